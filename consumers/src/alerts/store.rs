//! Alerts in Postgres: judging stock levels, each batch one transaction.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use onhand_cdc::{ConfigError, error_chain};
use onhand_db::alert::{self, ClaimedDelivery, Settlement};
use onhand_db::{DatabaseConfig, DbError, Pool, PooledClient};
use serde_json::{Value, json};
use uuid::Uuid;

use super::metrics;
use super::model::{Edge, Figures, Judged, Rules, fingerprint};
use crate::postgres::is_about_data;
use crate::runtime::SinkError;

/// Longest wait for one transaction; a batch takes some ten milliseconds. The login's own limit is as long.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The worker, the tick, the lock of the dispatcher, and some of the receivers at once.
const POOL_SIZE: usize = 8;
/// The functions take no more at once.
pub(super) const MAX_LEVELS: usize = 1_000;
/// Once a lock was waited for in vain, the search for who is concerned waits only this long: the role's limit is seconds.
const HURRY: &str = "set local lock_timeout = '100ms'";

/// A stock level to be judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LevelEvent {
    pub(super) item_id: Uuid,
    pub(super) location: String,
    pub(super) figures: Figures,
    /// When it became so.
    pub(super) at: Option<Timestamp>,
}

/// How levels are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// Receivers are told of edges.
    Told,
    /// Nobody is told.
    Quiet,
    /// As `Told`, and a lock is hardly waited for.
    Hurried,
}

/// Why levels were not judged; nothing of them was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Another session stands in the way of one of them.
    Held(String),
    /// The database cannot take one of them as it is.
    Refused(String),
    /// The database cannot work now.
    Database(String),
}

impl Trouble {
    fn of(error: &DbError) -> Self {
        let reason = told(error);
        match error {
            DbError::Conflict(_) => Self::Held(reason),
            DbError::Refused(_) => Self::Refused(reason),
            DbError::Other(source) if source.code().is_some_and(|state| is_about_data(state.code())) => {
                Self::Refused(reason)
            }
            _ => Self::Database(reason),
        }
    }

    pub(super) fn reason(self) -> String {
        match self {
            Self::Held(reason) | Self::Refused(reason) | Self::Database(reason) => reason,
        }
    }
}

impl From<Trouble> for SinkError {
    fn from(trouble: Trouble) -> Self {
        Self::Transient(trouble.reason())
    }
}

/// What judging a batch came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Judgement {
    /// Of each event, whether it was new.
    pub(super) fresh: Vec<bool>,
    /// Whether an alert opened or resolved.
    pub(super) turned: bool,
}

/// The tables of alerts.
#[derive(Debug, Clone)]
pub(super) struct Store {
    pool: Pool,
    /// Receivers of the settings, as the functions take them.
    receivers: Value,
    margin_percent: u32,
}

type Key = (Uuid, String);

impl Store {
    pub(super) fn new(config: &DatabaseConfig, receivers: Value, margin_percent: u32) -> Result<Self, ConfigError> {
        let config = DatabaseConfig {
            pool_size: POOL_SIZE,
            ..config.clone()
        };
        let pool = Pool::new(&config).map_err(|problem| ConfigError::new("database", problem))?;
        Ok(Self {
            pool,
            receivers,
            margin_percent,
        })
    }

    pub(super) fn receivers(&self) -> &Value {
        &self.receivers
    }

    pub(super) async fn client(&self) -> Result<PooledClient, DbError> {
        self.pool.get().await
    }

    /// Judges these events in their order, all of them or it fails. Nobody is told.
    pub(super) async fn judge_quietly(&self, events: &[LevelEvent]) -> Result<(), SinkError> {
        for chunk in events.chunks(MAX_LEVELS) {
            let chunk: Vec<&LevelEvent> = chunk.iter().collect();
            self.judge(&chunk, Manner::Quiet).await?;
        }
        Ok(())
    }

    /// Judges these events of at most [`MAX_LEVELS`] levels in their order: all of them or none.
    pub(super) async fn judge(&self, events: &[&LevelEvent], manner: Manner) -> Result<Judgement, Trouble> {
        let keys: BTreeSet<Key> = events
            .iter()
            .map(|event| (event.item_id, event.location.clone()))
            .collect();
        let mut fresh = Vec::with_capacity(events.len());
        let judge = |levels: &mut BTreeMap<Key, Judged>, rules: &Rules| {
            let mut edges = Vec::new();
            for event in events {
                let key = (event.item_id, event.location.clone());
                let taken = levels.get_mut(&key).and_then(|level| level.take(&event.figures, rules));
                fresh.push(taken.is_some());
                edges.extend(taken.into_iter().flatten().map(|edge| edge_json(&key, &edge, event.at)));
            }
            edges
        };
        let turned = self.transact(keys, manner, judge).await?;
        Ok(Judgement { fresh, turned })
    }

    /// Judges what is there anew, by the rules as they are now.
    pub(super) async fn judge_anew(&self, keys: &[Key]) -> Result<(), SinkError> {
        for chunk in keys.chunks(MAX_LEVELS) {
            let keys: BTreeSet<Key> = chunk.iter().cloned().collect();
            self.transact(keys, Manner::Told, |levels, rules| {
                levels
                    .iter_mut()
                    .flat_map(|(key, level)| {
                        let edges = level.judge(rules);
                        edges.into_iter().map(|edge| edge_json(key, &edge, None))
                    })
                    .collect()
            })
            .await?;
        }
        Ok(())
    }

    /// Locks the levels, has them judged, and records what changed. Says whether there was an edge.
    async fn transact(
        &self,
        keys: BTreeSet<Key>,
        manner: Manner,
        judge: impl FnOnce(&mut BTreeMap<Key, Judged>, &Rules) -> Vec<Value>,
    ) -> Result<bool, Trouble> {
        let work = async {
            let mut client = self.pool.get().await?;
            let transaction = client.transaction().await?;
            if manner == Manner::Hurried {
                transaction.batch_execute(HURRY).await?;
            }
            let (items, locations): (Vec<Uuid>, Vec<&str>) =
                keys.iter().map(|(item, location)| (*item, location.as_str())).unzip();
            let before: BTreeMap<Key, Judged> = alert::lock_alert_levels(&transaction, &items, &locations)
                .await?
                .into_iter()
                .map(|level| ((level.item_id, level.location.clone()), Judged::from(level)))
                .collect();
            let rules = alert::find_level_rules(&transaction, &items, &locations).await?;
            let mut levels = before.clone();
            let edges = judge(&mut levels, &Rules::new(rules, self.margin_percent));
            let changed: Vec<Value> = levels
                .iter()
                .filter(|(key, level)| before.get(*key) != Some(level))
                .map(|(_, level)| level_json(level))
                .collect();
            let turned = !edges.is_empty();
            if !changed.is_empty() {
                let (changed, edges) = (Value::Array(changed), Value::Array(edges));
                let quiet = manner == Manner::Quiet;
                alert::record_alert_levels(&transaction, &changed, &edges, &self.receivers, quiet).await?;
                transaction.commit().await?;
            }
            Ok::<bool, DbError>(turned)
        };
        match tokio::time::timeout(TIMEOUT, work).await {
            Ok(done) => done.map_err(|error| Trouble::of(&error)),
            Err(_) => Err(Trouble::Database(silent())),
        }
    }

    pub(super) async fn claim(
        &self,
        receiver: &str,
        max: usize,
        lease: Duration,
    ) -> Result<Vec<ClaimedDelivery>, SinkError> {
        let max = i32::try_from(max).unwrap_or(i32::MAX);
        bounded(async {
            let client = self.pool.get().await?;
            alert::claim_deliveries(&client, receiver, max, lease).await
        })
        .await
    }

    pub(super) async fn settle(&self, delivery: &ClaimedDelivery, settlement: &Settlement) -> Result<(), SinkError> {
        bounded(async {
            let client = self.pool.get().await?;
            alert::settle_delivery(&client, delivery, settlement).await.map(drop)
        })
        .await
    }
}

/// Every call to the database has an end.
pub(super) async fn bounded<T>(work: impl Future<Output = Result<T, DbError>>) -> Result<T, SinkError> {
    match tokio::time::timeout(TIMEOUT, work).await {
        Ok(done) => done.map_err(transient),
        Err(_) => Err(SinkError::Transient(silent())),
    }
}

fn transient(error: DbError) -> SinkError {
    SinkError::Transient(told(&error))
}

fn told(error: &DbError) -> String {
    format!("postgres: {}", error_chain(error))
}

fn silent() -> String {
    format!("postgres did not answer within {TIMEOUT:?}")
}

fn level_json(level: &Judged) -> Value {
    let open: Vec<&str> = level.open.iter().map(|kind| kind.name()).collect();
    json!({
        "item_id": level.item_id,
        "location": level.location,
        "version": level.version,
        "available": level.available,
        "safety_stock": level.safety_stock,
        "reorder_point": level.reorder_point,
        "unlimited": level.unlimited,
        "stocked": level.stocked,
        "open_kinds": open,
    })
}

fn edge_json((item, location): &Key, edge: &Edge, at: Option<Timestamp>) -> Value {
    metrics::edge(edge.kind.name(), edge.turn);
    json!({
        "fingerprint": fingerprint(edge.kind, *item, location),
        "event": edge.turn.name(),
        "kind": edge.kind.name(),
        "item_id": item,
        "location": location,
        "severity": edge.severity,
        "value": edge.available,
        "threshold": edge.threshold,
        "version": edge.version,
        "at": at,
    })
}
