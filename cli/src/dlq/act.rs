//! Redrive and drop: batch by batch, each first in the audit trail, then in effect.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use onhand_cdc::error_chain;
use onhand_consumers::letters::{self, Act, Actor, Batch, Filter, Letter, Router, Target, Unsendable, Wanted};
use onhand_db::{Pool, record_dead_letters};
use serde_json::{Value, json};
use tokio::task::block_in_place;

use super::print::line;
use super::{Deed, Output};
use crate::settings::Settings;

/// Letters in one transaction: large enough to be quick, small enough to be repeated.
const BATCH: usize = 1_000;
/// Bytes of the records in one transaction.
const BATCH_BYTES: usize = 8 * 1024 * 1024;

/// What was done, by dead-letter topic and where it went.
#[derive(Debug, Default)]
struct Tally {
    done: BTreeMap<(String, String), u64>,
    left: BTreeMap<(String, Unsendable), u64>,
    total: u64,
}

/// Letters that are collected until they make a batch; all of one partition.
#[derive(Default)]
struct Pending {
    letters: Vec<(Letter, Option<Target>)>,
    bytes: usize,
}

impl Pending {
    fn is_full(&self) -> bool {
        self.letters.len() >= BATCH || self.bytes >= BATCH_BYTES
    }

    /// Whether this letter may join: a batch is of one partition.
    fn takes(&self, letter: &Letter) -> bool {
        self.letters
            .last()
            .is_none_or(|(last, _)| last.id.topic == letter.id.topic && last.id.partition == letter.id.partition)
    }

    fn push(&mut self, letter: Letter, target: Option<Target>) {
        self.bytes = self.bytes.saturating_add(letter.bytes());
        self.letters.push((letter, target));
    }
}

struct Run<'a> {
    act: Act,
    deed: &'a Deed,
    filter: Filter,
    pool: Pool,
    router: Router,
    tally: Tally,
}

/// Carries out a redrive or a drop, or says what it would do.
pub(super) async fn run(settings: &Settings, act: Act, mut deed: Deed) -> Result<()> {
    let selection = std::mem::take(&mut deed.selection);
    let filter = selection.filter(Wanted::Open)?;
    if filter.is_everything() && !deed.all {
        bail!("name what is meant (see --help), or say --all");
    }
    let mut run = Run {
        act,
        deed: &deed,
        filter,
        pool: Pool::new(&settings.database).map_err(anyhow::Error::msg)?,
        router: Router::new(&settings.kafka),
        tally: Tally::default(),
    };
    if deed.dry_run {
        block_in_place(|| run.rehearse(settings))?;
    } else {
        run.perform(settings).await?;
    }
    run.report()
}

impl Run<'_> {
    fn rehearse(&mut self, settings: &Settings) -> Result<()> {
        let closed = letters::read_closed(&settings.kafka)?;
        let mut walk = letters::walk(&settings.kafka, &self.filter)?;
        while !self.is_done() {
            let Some(letter) = walk.next(&closed)? else { break };
            self.route(&letter)?;
        }
        Ok(())
    }

    async fn perform(&mut self, settings: &Settings) -> Result<()> {
        // Without an audit trail nothing is done, so that is tried first.
        drop(self.pool.get().await.context("the audit trail cannot be written")?);
        let mut actor = block_in_place(|| Actor::open(&settings.kafka)).context("somebody else may be at it")?;
        let mut walk = block_in_place(|| letters::walk(&settings.kafka, &self.filter))?;
        let mut pending = Pending::default();
        while !self.is_done() {
            let Some(letter) = block_in_place(|| walk.next(actor.closed()))? else {
                break;
            };
            if pending.is_full() || !pending.takes(&letter) {
                self.settle(&mut actor, &mut pending).await?;
            }
            if let Some(target) = block_in_place(|| self.route(&letter))? {
                pending.push(letter, target);
            }
        }
        self.settle(&mut actor, &mut pending).await?;
        block_in_place(|| letters::tidy(&mut actor, &walk))?;
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.deed.limit.is_some_and(|limit| self.tally.total >= limit)
    }

    /// Counts a letter and says where it goes; none if it has to stay.
    fn route(&mut self, letter: &Letter) -> Result<Option<Option<Target>>> {
        let (place, target) = match self.act {
            Act::Drop => (String::new(), None),
            Act::Redrive => match self.router.target(letter)? {
                Ok(target) => (target.topic.clone(), Some(target)),
                Err(reason) => {
                    let key = (letter.id.topic.clone(), reason);
                    *self.tally.left.entry(key).or_default() += 1;
                    return Ok(None);
                }
            },
        };
        self.tally.total += 1;
        *self.tally.done.entry((letter.id.topic.clone(), place)).or_default() += 1;
        Ok(Some(target))
    }

    /// Sends a batch, writes it down, and lets it take effect, in this order.
    async fn settle(&mut self, actor: &mut Actor, pending: &mut Pending) -> Result<()> {
        let Pending { letters, .. } = std::mem::take(pending);
        if letters.is_empty() {
            return Ok(());
        }
        let batch = block_in_place(|| actor.begin(self.act, &letters))?;
        if let Err(error) = self.audit(&batch).await {
            block_in_place(|| actor.abort())?;
            return Err(error);
        }
        block_in_place(|| actor.commit()).with_context(|| {
            format!(
                "this batch of {} letters had no effect; what was done before it stands",
                batch.count
            )
        })
    }

    async fn audit(&self, batch: &Batch) -> Result<()> {
        let detail = json!({
            "partition": batch.partition,
            "offsets": batch.offsets,
            "filter": self.described(),
            "note": self.deed.note,
            "by": self.deed.by,
        });
        let client = self.pool.get().await.context("the audit trail cannot be written")?;
        let count = i64::try_from(batch.count)?;
        record_dead_letters(&client, batch.act.name(), &batch.topic, count, &detail)
            .await
            .map_err(|error| anyhow::anyhow!("the audit trail cannot be written: {}", error_chain(&error)))?;
        Ok(())
    }

    fn described(&self) -> Value {
        let filter = &self.filter;
        json!({
            "topic": filter.topic,
            "group": filter.group,
            "partition": filter.partition,
            "from_offset": filter.from_offset,
            "to_offset": filter.to_offset,
            "reason": filter.reason,
            "since": filter.since.map(|at| at.to_string()),
            "until": filter.until.map(|at| at.to_string()),
            "all": self.deed.all,
        })
    }

    fn report(&self) -> Result<()> {
        let done: Vec<Value> = self
            .tally
            .done
            .iter()
            .map(|((from, to), count)| json!({"topic": from, "to": (!to.is_empty()).then_some(to), "letters": count}))
            .collect();
        let left: Vec<Value> = self
            .tally
            .left
            .iter()
            .map(|((from, reason), count)| json!({"topic": from, "reason": reason.reason(), "letters": count}))
            .collect();
        let dry_run = self.deed.dry_run;
        if self.deed.output == Output::Json {
            let act = self.act.name();
            return line(
                &json!({"act": act, "dry_run": dry_run, "letters": self.tally.total, "done": done, "left": left})
                    .to_string(),
            );
        }
        let verb = match (self.act, dry_run) {
            (Act::Redrive, false) => "sent again",
            (Act::Redrive, true) => "would be sent again",
            (Act::Drop, false) => "dropped",
            (Act::Drop, true) => "would be dropped",
        };
        for ((from, to), count) in &self.tally.done {
            let to = if to.is_empty() {
                String::new()
            } else {
                format!(" to {to}")
            };
            line(&format!("{count} of {from} {verb}{to}"))?;
        }
        for ((from, reason), count) in &self.tally.left {
            line(&format!("{count} of {from} stay: {}", reason.reason()))?;
        }
        line(&format!("{} letters {verb}", self.tally.total))
    }
}
