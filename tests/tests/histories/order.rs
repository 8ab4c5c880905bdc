//! An order in which transactions that ran at the same time could have run one after the other.
//!
//! Rows are locked until the commit, so mostly the order of the commits is one. Two things have more freedom: what is refused may have
//! been decided at any time between its call and its commit; and what depends on a row that was not there (a strategy looks at
//! all levels that an item has) may have come before the transaction that made the row. A transaction that was committed before
//! another one's call always comes first.

use crate::ledger::Ledger;
use crate::model::{Model, Outcome};
use anyhow::{Result, anyhow};
use serde_json::Value;

/// A transaction that was committed.
pub(crate) struct Committed {
    pub(crate) bodies: Vec<Value>,
    pub(crate) outcomes: Vec<Outcome>,
    /// How many were committed before its call was sent.
    pub(crate) seen: usize,
    /// Its number in the ledger.
    pub(crate) transaction: i64,
}

/// The model, and what it has not accounted for yet.
type Moment = (Model, Ledger);

/// Transactions in their order, and the moments before, between and after them.
pub(crate) struct Order<'a> {
    caller: &'a str,
    /// Each with its number in the order of the commits.
    placed: Vec<(usize, &'a Committed)>,
    moments: Vec<Moment>,
}

impl<'a> Order<'a> {
    /// Fails with what is wrong in the order of the commits, if no other order is right either.
    pub(crate) fn find(caller: &'a str, begin: Moment, committed: &'a [Committed]) -> Result<Self> {
        let mut order = Self {
            caller,
            placed: Vec::new(),
            moments: vec![begin],
        };
        for (number, one) in committed.iter().enumerate() {
            order.place(number, one)?;
        }
        Ok(order)
    }

    pub(crate) fn end(mut self) -> Moment {
        self.moments.pop().unwrap_or_default()
    }

    /// Puts a transaction at the end, or else as far before it as need be.
    fn place(&mut self, number: usize, one: &'a Committed) -> Result<()> {
        let after_call = |(earlier, _): &(usize, &Committed)| *earlier >= one.seen;
        let first = self
            .placed
            .iter()
            .rposition(|placed| !after_call(placed))
            .map_or(0, |at| at + 1);
        let mut problem = None;
        for at in (first..=self.placed.len()).rev() {
            let mut tail = vec![(number, one)];
            tail.extend_from_slice(&self.placed[at..]);
            match self.follow(at, &tail) {
                Ok(moments) => {
                    self.moments.truncate(at + 1);
                    self.moments.extend(moments);
                    self.placed.insert(at, (number, one));
                    return Ok(());
                }
                Err(error) => problem = problem.or(Some(error)),
            }
        }
        Err(problem.unwrap_or_else(|| anyhow!("a transaction without a place")))
    }

    /// The moments after each of these transactions, if they come after the first `at`.
    fn follow(&self, at: usize, tail: &[(usize, &Committed)]) -> Result<Vec<Moment>> {
        let mut moments = self.moments[..=at].to_vec();
        for (_, one) in tail {
            let next = self.apply(one, &moments)?;
            moments.push(next);
        }
        Ok(moments.split_off(at + 1))
    }

    /// The moment after a transaction, which comes after the last of these.
    fn apply(&self, one: &Committed, moments: &[Moment]) -> Result<Moment> {
        let (mut model, mut ledger) = moments.last().cloned().unwrap_or_default();
        model.begin_batch(Some(one.transaction));
        for (body, outcome) in one.bodies.iter().zip(&one.outcomes) {
            let (mut next, mut rest) = (model.clone(), ledger.clone());
            let Err(problem) = next.judge(self.caller, body, outcome, &mut rest) else {
                (model, ledger) = (next, rest);
                continue;
            };
            let refused = matches!(outcome, Outcome::Refused { .. });
            let since = one.seen.min(moments.len() - 1);
            let earlier = |(model, ledger): &Moment| {
                let mut model = model.clone();
                model.begin_batch(Some(one.transaction));
                model.judge(self.caller, body, outcome, &mut ledger.clone()).is_ok()
            };
            if !refused || !moments[since..].iter().any(earlier) {
                return Err(anyhow!("{body}\n{outcome}\n{problem}"));
            }
        }
        Ok((model, ledger))
    }
}
