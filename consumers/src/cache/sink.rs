//! The sink: change events of `stock_level` into the cache.

use std::collections::HashMap;

use async_trait::async_trait;
use onhand_cdc::envelope::StockLevelRow;
use onhand_cdc::{Change, ConfigError, Envelope, Operation};
use redis::RedisError;
use uuid::Uuid;

use super::config::RedisConfig;
use super::model::{CacheError, ItemRows, StockCache, StockRow};
use super::warm::Warmer;
use crate::postgres::RowSource;
use crate::runtime::{Event, Outcome, Sink, SinkError, Warmth};

/// Writes availability to Redis.
#[derive(Debug)]
pub struct CacheSink {
    cache: StockCache,
    warmer: Warmer,
}

impl CacheSink {
    /// Connects when it is first needed. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// A setting that cannot work.
    pub fn new(config: &RedisConfig, rows: RowSource) -> Result<Self, ConfigError> {
        let cache = StockCache::new(config)?;
        Ok(Self {
            warmer: Warmer::new(cache.clone(), rows),
            cache,
        })
    }

    /// The cache it writes to.
    pub fn cache(&self) -> &StockCache {
        &self.cache
    }
}

#[async_trait]
impl Sink for CacheSink {
    fn name(&self) -> &'static str {
        "cache"
    }

    /// Nothing to make: keys come with their first row, the script with its first use.
    async fn prepare(&self) -> Result<(), SinkError> {
        self.health().await
    }

    async fn health(&self) -> Result<(), SinkError> {
        let mut connection = self.cache.connection();
        let answer: Result<String, RedisError> = redis::cmd("PING").query_async(&mut connection).await;
        answer.map(drop).map_err(transient)
    }

    fn warmth(&self) -> Warmth {
        self.warmer.warmth()
    }

    async fn write(&self, batch: &[&Event]) -> Result<Vec<Outcome>, SinkError> {
        let plan = Plan::of(batch);
        // The marker is looked at beside each batch, so an emptied cache is noticed at once while
        // anything changes, and by the tick when nothing does.
        let (applied, checked) = tokio::join!(self.cache.apply_each(&plan.items), self.warmer.check());
        let applied = applied.map_err(|error| SinkError::Transient(problem(&error)))?;
        checked.map_err(transient)?;
        Ok(plan.outcomes(&applied))
    }

    async fn tick(&self) -> Result<(), SinkError> {
        self.warmer.tick().await
    }

    async fn shutdown(&self) {}
}

pub(super) fn transient(error: RedisError) -> SinkError {
    SinkError::Transient(format!("redis: {error}"))
}

fn problem(error: &CacheError) -> String {
    match error {
        CacheError::Unavailable(error) => format!("redis: {error}"),
        CacheError::Unexpected(_) => error.to_string(),
    }
}

/// What a batch comes to: of each item and location only the newest row. Events that name no row are left out.
pub fn rows_of(batch: &[&Event]) -> Vec<ItemRows> {
    Plan::of(batch).items
}

/// Which rows of a batch are sent, and which event each answer belongs to.
#[derive(Debug, Default)]
struct Plan {
    items: Vec<ItemRows>,
    /// Event of each row of `items`, in the same order.
    senders: Vec<Vec<usize>>,
    outcomes: Vec<Outcome>,
}

/// The newest row of one item and location in the batch.
struct Newest {
    event: usize,
    row: StockRow,
    at_ms: i64,
}

impl Newest {
    /// A delete carries the version of the row it deleted, and is newer than it.
    fn is_older_than(&self, other: &StockRow) -> bool {
        let (held, offered) = (self.row.version, other.version);
        offered > held || (offered == held && other.is_deleted() && !self.row.is_deleted())
    }
}

impl Plan {
    /// Of each item and location only the newest row is sent; the older ones count as superseded.
    fn of(batch: &[&Event]) -> Self {
        let mut plan = Self {
            outcomes: vec![Outcome::Superseded; batch.len()],
            ..Self::default()
        };
        let mut newest: HashMap<Uuid, HashMap<String, Newest>> = HashMap::new();
        for (index, event) in batch.iter().enumerate() {
            let (item, row) = match row_of(&event.change) {
                Ok(found) => found,
                Err(reason) => {
                    if let Some(outcome) = plan.outcomes.get_mut(index) {
                        *outcome = Outcome::Poison(reason);
                    }
                    continue;
                }
            };
            let candidate = Newest {
                event: index,
                at_ms: event.change.source().ts_ms,
                row,
            };
            let rows = newest.entry(item).or_default();
            match rows.get(&candidate.row.location) {
                Some(held) if !held.is_older_than(&candidate.row) => {}
                _ => {
                    rows.insert(candidate.row.location.clone(), candidate);
                }
            }
        }
        for (item_id, rows) in newest {
            let at_ms = rows.values().map(|row| row.at_ms).max().unwrap_or(0);
            let (senders, rows) = rows.into_values().map(|row| (row.event, row.row)).unzip();
            plan.senders.push(senders);
            plan.items.push(ItemRows { item_id, at_ms, rows });
        }
        plan
    }

    /// What Redis refuses is tried again, because somebody can mend it (a key of another type, a full memory).
    fn outcomes(mut self, applied: &[Result<Vec<bool>, CacheError>]) -> Vec<Outcome> {
        for (senders, answers) in self.senders.iter().zip(applied) {
            for (place, event) in senders.iter().enumerate() {
                let Some(outcome) = self.outcomes.get_mut(*event) else {
                    continue;
                };
                *outcome = match answers {
                    Ok(applied) if applied.get(place) == Some(&true) => Outcome::Applied,
                    Ok(_) => Outcome::Stale,
                    Err(error) => Outcome::Retry(problem(error)),
                };
            }
        }
        self.outcomes
    }
}

fn row_of(change: &Change) -> Result<(Uuid, StockRow), String> {
    match change {
        Change::StockLevel(envelope) => row_of_level(envelope),
        _ => Err("the cache takes changes of stock_level only".to_owned()),
    }
}

fn row_of_level(envelope: &Envelope<StockLevelRow>) -> Result<(Uuid, StockRow), String> {
    match envelope.op {
        Operation::Create | Operation::Update | Operation::Read => {
            let after = envelope.after.as_ref().ok_or("change without a new row")?;
            let row = StockRow::from_level(after).map_err(|error| error.to_string())?;
            Ok((after.item_id, row))
        }
        Operation::Delete => {
            let before = envelope.before.as_ref().ok_or("delete without an old row")?;
            if !before.version.is_valid() {
                return Err("delete without a row version".to_owned());
            }
            let row = StockRow::tombstone(&before.location_id, before.version);
            Ok((before.item_id, row))
        }
        Operation::Truncate | Operation::Message => {
            Err(format!("operation {:?} says nothing about a row", envelope.op))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use onhand_cdc::{RowVersion, Source};

    use super::*;
    use crate::runtime::Record;

    fn level(location: &str, version: i64) -> StockLevelRow {
        StockLevelRow {
            item_id: Uuid::from_u128(1),
            location_id: location.to_owned(),
            on_hand: version,
            reserved: 0,
            in_transit: 0,
            backordered: 0,
            damaged: 0,
            safety_stock: 0,
            reorder_point: 0,
            available: version,
            policy: "deny".to_owned(),
            status: "in_stock".to_owned(),
            next_hold_at: None,
            version: RowVersion::new(version),
            last_movement_at: None,
            created_at: None,
        }
    }

    fn event(op: Operation, before: Option<StockLevelRow>, after: Option<StockLevelRow>) -> Event {
        Event {
            record: Record::new("onhand.inventory.stock_level", 0, 0),
            change: Change::StockLevel(Box::new(Envelope {
                before,
                after,
                source: Source {
                    ts_ms: 5,
                    ts_us: None,
                    lsn: None,
                    tx_id: None,
                    snapshot: None,
                },
                op,
                ts_ms: None,
                transaction: None,
            })),
        }
    }

    fn update(location: &str, version: i64) -> Event {
        event(Operation::Update, None, Some(level(location, version)))
    }

    fn plan(events: &[Event]) -> Plan {
        Plan::of(&events.iter().collect::<Vec<_>>())
    }

    #[test]
    fn only_the_newest_row_of_a_location_is_sent_in_any_order() {
        for versions in [[1, 2, 3], [3, 1, 2], [2, 3, 1]] {
            let events = versions.map(|version| update("W1", version));
            let plan = plan(&events);
            assert_eq!(plan.items.len(), 1);
            assert_eq!(plan.items[0].rows.len(), 1);
            assert_eq!(plan.items[0].rows[0].version.get(), 3);
            let winner = versions.iter().position(|version| *version == 3).unwrap();
            let outcomes = plan.outcomes(&[Ok(vec![true])]);
            for (index, outcome) in outcomes.iter().enumerate() {
                let expected = if index == winner {
                    Outcome::Applied
                } else {
                    Outcome::Superseded
                };
                assert_eq!(*outcome, expected);
            }
        }
    }

    #[test]
    fn locations_of_an_item_go_together_and_a_refused_version_is_stale() {
        let plan = plan(&[update("W1", 1), update("W2", 1)]);
        assert_eq!((plan.items.len(), plan.items[0].rows.len()), (1, 2));
        let first = plan.senders[0][0];
        let outcomes = plan.outcomes(&[Ok(vec![true, false])]);
        assert_eq!(outcomes[first], Outcome::Applied);
        assert_eq!(outcomes[1 - first], Outcome::Stale);
    }

    #[test]
    fn an_item_that_is_refused_is_tried_again_and_disturbs_no_other() {
        let mut other = level("W1", 1);
        other.item_id = Uuid::from_u128(2);
        let events = [
            update("W1", 1),
            update("W1", 2),
            event(Operation::Update, None, Some(other)),
        ];
        let plan = plan(&events);
        let answers: Vec<_> = plan
            .items
            .iter()
            .map(|item| match item.item_id.as_u128() {
                1 => Err(CacheError::Unexpected("WRONGTYPE".to_owned())),
                _ => Ok(vec![true]),
            })
            .collect();
        let outcomes = plan.outcomes(&answers);
        assert_eq!(outcomes[0], Outcome::Superseded);
        assert!(matches!(outcomes[1], Outcome::Retry(_)));
        assert_eq!(outcomes[2], Outcome::Applied);
    }

    #[test]
    fn a_delete_with_a_version_leaves_a_tombstone_that_beats_its_own_row() {
        let deletion = event(Operation::Delete, Some(level("W1", 7)), None);
        let plan = plan(&[deletion, update("W1", 7)]);
        assert!(plan.items[0].rows[0].is_deleted());
        assert_eq!(plan.senders[0], vec![0]);
    }

    #[test]
    fn a_delete_without_a_version_is_poison_and_disturbs_nobody() {
        let deletion = event(Operation::Delete, Some(level("W1", 0)), None);
        let plan = plan(&[deletion, update("W2", 1)]);
        assert_eq!(plan.items.len(), 1);
        let outcomes = plan.outcomes(&[Ok(vec![true])]);
        assert_eq!(outcomes[0], Outcome::Poison("delete without a row version".to_owned()));
        assert_eq!(outcomes[1], Outcome::Applied);
    }

    #[test]
    fn events_that_name_no_row_are_poison() {
        for (op, before) in [
            (Operation::Truncate, None),
            (Operation::Delete, None),
            (Operation::Update, Some(level("W1", 1))),
        ] {
            let outcomes = plan(&[event(op, before, None)]).outcomes(&[]);
            assert!(matches!(outcomes[0], Outcome::Poison(_)), "{op:?}");
        }
    }
}
