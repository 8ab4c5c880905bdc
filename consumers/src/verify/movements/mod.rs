//! The documents of the movements against the ledger.
//!
//! There are far more of them than of anything else, so they are neither read whole nor all in each run. The items are gone through
//! in ranges of their ids. Both sides count and add up the movements of each item of a range (`sums.rs`); an item that differs is cut
//! into buckets of 256 versions of one location, and only of a bucket that differs the documents are read. A run that goes on all the
//! time ends after some movements, and the next one begins where it ended. In each of its passes it also reads the documents of one
//! sixteenth of the items whose sums are right: sums do not show everything.

mod index;
mod ledger;
mod sums;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::PoisonError;

use jiff::{Timestamp, ToSpan};
use tokio::time::Instant;
use uuid::Uuid;

use super::digest::Slot;
use super::report::{Finding, Place, Report};
use super::scan::{Suspects, extra, pause};
use super::search::{Doc, Expected, Search, judge};
use super::{Options, Verifier, VerifyError};
use crate::search::{Month, warm};
use index::Scope;
use ledger::Span;
pub(super) use ledger::expected;
use sums::{ItemKey, RANGE, Sums, differing};

/// Items in one range. One hot item makes a range as large as it is, but nothing more than its sums is ever in memory.
const ITEMS: i64 = 250;
/// Most movements of an item whose documents are read although its sums are right: more of them would keep one run busy for minutes.
const READ: u64 = 20_000;
/// What was recorded since then is left to the next run that goes on all the time: most of it is on its way.
const SETTLED_SECONDS: i64 = 10;

/// Where the runs that go on all the time are in the ledger.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Rotation {
    after: Uuid,
    /// How often they have been through.
    pass: u8,
}

/// Items after one, up to another one or up to the end; what the index has between two items of Postgres is in it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Range {
    after: Uuid,
    last: Option<Uuid>,
}

/// Documents of an item that are compared at once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Whole,
    /// Of a location, from this version on. Documents that lack one of them are a bucket too.
    Bucket(Option<String>, Option<i64>),
}

/// One look at the movements of a month.
#[derive(Debug, Clone, Copy)]
struct Look {
    scope: Scope,
    span: Span,
    /// Items of this turn are read document by document.
    turn: Option<u8>,
}

impl Look {
    /// None for a month of which nothing is old enough, or that no calendar has.
    fn at(month: Month, until: Option<Timestamp>, turn: Option<u8>) -> Option<Self> {
        let (start, end) = month.span()?;
        let end = until.map_or(end, |until| until.min(end));
        (start < end).then_some(Self {
            scope: Scope { month, until },
            span: (start, end),
            turn,
        })
    }
}

impl Verifier {
    /// The months that have to be in the index, newest first, and those of them that are not filled yet.
    pub(super) async fn months(&self) -> Result<(Vec<Month>, Vec<Month>), VerifyError> {
        let Some(search) = &self.search else {
            return Ok(Default::default());
        };
        let retired = self.source.retired().await?;
        let filled = warm(&search.client, &search.indexes).await?;
        let mut months = Month::back_from(Timestamp::now(), search.months);
        months.reverse();
        months.retain(|month| !retired.contains(&month.to_string()));
        Ok(months
            .into_iter()
            .partition(|month| filled.contains(&search.indexes.month(*month))))
    }

    /// Compares the movements of these months: all of them, or as many as one run may, from where the last one ended.
    pub(super) async fn compare_movements(
        &self,
        months: &[Month],
        options: &Options,
        report: &mut Report,
        suspects: &mut Suspects,
    ) -> Result<(), VerifyError> {
        let Some(search) = &self.search else { return Ok(()) };
        let mut at = Rotation::default();
        let (mut until, mut turn) = (None, None);
        if options.movements.is_some() {
            at = *self.rotation.lock().unwrap_or_else(PoisonError::into_inner);
            // The engine keeps milliseconds.
            let settled = Timestamp::now().checked_sub(SETTLED_SECONDS.seconds()).ok();
            until = settled.and_then(|at| Timestamp::from_millisecond(at.as_millisecond()).ok());
            turn = Some(at.pass);
        }
        let looks: Vec<Look> = months
            .iter()
            .filter_map(|month| Look::at(*month, until, turn))
            .collect();
        let before = report.indexed_movements;
        loop {
            let range = self.range(at.after).await?;
            for look in &looks {
                let started = Instant::now();
                if at.after == Uuid::nil() {
                    let place = Place::Movements(look.scope.month);
                    let ids = search.without_item(look.scope.month).await?;
                    suspects.add(ids.into_iter().map(|id| extra(place, id)));
                }
                self.compare_range(search, *look, range, report, suspects).await?;
                pause(started.elapsed(), options.duty_percent).await;
            }
            match range.last {
                Some(last) => at.after = last,
                None => {
                    at = Rotation {
                        after: Uuid::nil(),
                        pass: at.pass.wrapping_add(1),
                    };
                    break;
                }
            }
            let compared = report.indexed_movements.saturating_sub(before);
            if suspects.is_full() || options.movements.is_some_and(|most| compared >= most) {
                break;
            }
        }
        if options.movements.is_some() {
            *self.rotation.lock().unwrap_or_else(PoisonError::into_inner) = at;
        }
        Ok(())
    }

    async fn range(&self, after: Uuid) -> Result<Range, VerifyError> {
        let items = self.source.page(after, ITEMS).await?;
        let is_full = i64::try_from(items.len()).is_ok_and(|count| count >= ITEMS);
        let last = items.last().copied().filter(|_| is_full);
        Ok(Range { after, last })
    }

    async fn compare_range(
        &self,
        search: &Search,
        look: Look,
        range: Range,
        report: &mut Report,
        suspects: &mut Suspects,
    ) -> Result<(), VerifyError> {
        let (ledger, index) = tokio::try_join!(
            self.source.item_sums(look.span, range),
            search.item_sums(look.scope, range)
        )?;
        let groups = u64::try_from(ledger.len()).unwrap_or(u64::MAX);
        report.buckets = report.buckets.saturating_add(groups);
        report.indexed_movements = ledger
            .values()
            .fold(report.indexed_movements, |sum, sums| sum.saturating_add(sums.count));
        let differing: BTreeSet<String> = differing(&ledger, &index).into_iter().map(|(item, _)| item).collect();
        let descended = u64::try_from(differing.len()).unwrap_or(u64::MAX);
        report.descended = report.descended.saturating_add(descended);
        let sizes = sizes(&ledger, &index);
        for (item, size) in sizes {
            let in_turn = size <= READ && look.turn.is_some_and(|turn| is_turn(&item, turn));
            if suspects.is_full() || !(in_turn || differing.contains(&item)) {
                continue;
            }
            self.compare_item(search, look, (&item, size), in_turn, suspects)
                .await?;
        }
        Ok(())
    }

    /// Compares the documents of an item: all of them, or those of the buckets that differ.
    async fn compare_item(
        &self,
        search: &Search,
        look: Look,
        (item, size): (&str, u64),
        all: bool,
        suspects: &mut Suspects,
    ) -> Result<(), VerifyError> {
        let id: Option<Uuid> = item.parse().ok();
        let mut parts = BTreeSet::from([Part::Whole]);
        if size > RANGE.unsigned_abs() {
            let held = search.range_sums(look.scope, item).await?;
            let there = match id {
                Some(id) => self.source.range_sums(look.span, id).await?,
                None => BTreeMap::new(),
            };
            let keys: BTreeSet<_> = if all {
                held.keys().chain(there.keys()).cloned().collect()
            } else {
                differing(&there, &held)
            };
            parts = keys
                .into_iter()
                .map(|(location, first, _)| Part::Bucket(location, first))
                .collect();
        }
        for part in parts {
            if suspects.is_full() {
                return Ok(());
            }
            // The ledger is read first: a movement that comes in between is only too much for a moment.
            let expected = match id {
                Some(id) => {
                    self.source
                        .part_documents(look.scope.month, look.span, id, &part)
                        .await?
                }
                None => Vec::new(),
            };
            let documents = search.part_documents(look.scope, item, &part).await?;
            suspects.add(judged(Place::Movements(look.scope.month), &expected, &documents));
        }
        Ok(())
    }
}

/// How many movements each item has, on the side that has more of them.
fn sizes(one: &BTreeMap<ItemKey, Sums>, two: &BTreeMap<ItemKey, Sums>) -> BTreeMap<String, u64> {
    let mut sizes: BTreeMap<String, u64> = BTreeMap::new();
    for side in [one, two] {
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for ((item, _), sums) in side {
            let count = counts.entry(item).or_default();
            *count = count.saturating_add(sums.count);
        }
        for (item, count) in counts {
            let size = sizes.entry(item.to_owned()).or_default();
            *size = count.max(*size);
        }
    }
    sizes
}

fn is_turn(item: &str, turn: u8) -> bool {
    item.parse().is_ok_and(|item| Slot::of(item).is_turn(turn))
}

/// What only one side has, and what differs.
fn judged(place: Place, expected: &[Expected], documents: &HashMap<String, Doc>) -> Vec<Finding> {
    let by_id: HashMap<&str, &Expected> = expected.iter().map(|one| (one.id.as_str(), one)).collect();
    let there = expected
        .iter()
        .filter_map(|one| judge(place, &one.id, Some(one), documents.get(&one.id)));
    let others = documents
        .values()
        .filter(|doc| !by_id.contains_key(doc.id.as_str()))
        .filter_map(|doc| judge(place, &doc.id, None, Some(doc)));
    there.chain(others).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::super::report::Kind;
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_look_ends_with_the_month_or_where_it_is_too_new() {
        let month = Month::of(at("2026-11-05T00:00:00Z"));
        let end = |until| Look::at(month, until, None).map(|look| look.span.1);
        assert_eq!(end(None), Some(at("2026-12-01T00:00:00Z")));
        assert_eq!(end(Some(at("2026-12-07T00:00:00Z"))), Some(at("2026-12-01T00:00:00Z")));
        assert_eq!(end(Some(at("2026-11-07T00:00:00Z"))), Some(at("2026-11-07T00:00:00Z")));
        // The month began just now.
        assert_eq!(end(Some(at("2026-10-31T23:59:59Z"))), None);
    }

    #[test]
    fn what_only_one_side_has_is_missing_or_extra() {
        let month = Month::of(at("2026-11-05T00:00:00Z"));
        let place = Place::Movements(month);
        let expected = |id: &str| Expected {
            place,
            id: id.to_owned(),
            version: 1,
            fields: json!({}),
            times: Vec::new(),
        };
        let doc = |id: &str| {
            let doc = Doc {
                id: id.to_owned(),
                version: 1,
                source: json!({}),
                place: None,
            };
            (id.to_owned(), doc)
        };
        let documents = HashMap::from([doc("b"), doc("c")]);
        let mut findings: Vec<(String, Kind)> = judged(place, &[expected("a"), expected("b")], &documents)
            .into_iter()
            .map(|finding| (finding.id, finding.kind))
            .collect();
        findings.sort();
        assert_eq!(
            findings,
            [("a".to_owned(), Kind::Missing), ("c".to_owned(), Kind::Extra)]
        );
    }

    #[test]
    fn items_of_a_turn_are_those_whose_ids_end_in_it() {
        let item = Uuid::from_u128(0x2a).to_string();
        let turns: Vec<u8> = (0..16).filter(|turn| is_turn(&item, *turn)).collect();
        assert_eq!(turns, [10]);
        assert!(!is_turn("nonsense", 10));
    }
}
