//! The public write path: each batch of events is one transaction with the mark that says so.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use backon::{ExponentialBuilder, Retryable};
use onhand_db::{DbError, ErrorCode, Outcome, Pool, PooledClient};
use serde_json::{Value, json};

use super::attempt::{self, Attempt, Names, Task};
use super::catalogue::Catalogue;
use super::feed::Event;
use super::history;
use super::levels::Levels;
use super::mark::{Mark, OnShort};

/// Most commands in one call.
const MOST_COMMANDS: usize = 1_000;
/// Most items in one call.
const MOST_ITEMS: usize = 500;
/// Named with every movement.
const SOURCE: &str = "import";
/// How long a database that is away is waited for: longer than a restart.
const PATIENCE: Duration = Duration::from_secs(60);

/// What became of a batch.
#[derive(Debug, Default)]
pub(crate) struct Done {
    /// Commands that changed something.
    pub(crate) applied: u64,
    /// Commands that had been applied by an earlier run.
    pub(crate) replayed: u64,
    /// Requests that came to nothing.
    pub(crate) refused: u64,
    /// Units sold, by event and sku.
    pub(crate) sold: HashMap<usize, BTreeMap<String, i64>>,
    /// Units adjusted, by line of the file.
    pub(crate) adjusted: HashMap<u64, i64>,
    /// Why requests came to nothing: event, first sku, code.
    pub(crate) refusals: Vec<(usize, String, ErrorCode)>,
}

/// Why a batch was not applied.
#[derive(Debug, thiserror::Error)]
enum BatchError {
    #[error(transparent)]
    Database(#[from] DbError),
    #[error(transparent)]
    Sql(#[from] onhand_db::tokio_postgres::Error),
    #[error("{0:#}")]
    Other(anyhow::Error),
}

impl BatchError {
    /// Whether the same batch may be tried again.
    fn passes(&self) -> bool {
        match self {
            Self::Database(DbError::Unreachable(error)) => !is_refused_login(error.as_ref()),
            Self::Database(error) => error.is_retryable() || error.is_unavailable(),
            _ => false,
        }
    }
}

/// Whether the server (or the connection string) is the reason why there is no connection: a wrong password or a
/// database that does not exist stays wrong. A server that is down, starting or full passes.
fn is_refused_login(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<onhand_db::tokio_postgres::Error>() {
            return match error.as_db_error() {
                Some(answer) => !matches!(answer.code().code().get(..2), Some("57" | "53" | "08" | "40")),
                None => error.to_string().contains("invalid configuration"),
            };
        }
        next = error.source();
    }
    false
}

/// The database at one location.
pub(crate) struct Writer {
    pool: Pool,
    names: Names,
    dataset: String,
    on_short: OnShort,
    mark: Mark,
    levels: Levels,
    /// Whether what is known of the levels may be wrong.
    stale: bool,
}

impl Writer {
    /// Makes items and location that are missing and looks how far this import has come.
    pub(crate) async fn open(pool: Pool, catalogue: &Catalogue, location: &str, fresh: Mark) -> Result<Self> {
        let names = Names::new(&catalogue.dataset, location);
        let dataset = catalogue.dataset.clone();
        let metadata = retry(|| ensure_location(&pool, location)).await?;
        let mark = match Mark::find(&metadata, &dataset)? {
            Some(mark) => {
                mark.check(fresh.days_of_stock, fresh.on_short)?;
                mark
            }
            None => fresh,
        };
        retry(|| ensure_items(&pool, catalogue)).await?;
        let on_short = mark.on_short;
        Ok(Self {
            pool,
            names,
            dataset,
            on_short,
            mark,
            levels: Levels::default(),
            stale: true,
        })
    }

    /// How far the import has come.
    pub(crate) fn mark(&self) -> &Mark {
        &self.mark
    }

    /// What earlier runs did for these events.
    pub(crate) async fn look_back(&self, events: &[Event]) -> Result<Done> {
        retry(|| async {
            let client = self.pool.get().await?;
            Ok(history::look_back(&client, events, &self.names).await?)
        })
        .await
    }

    /// Applies the next events, all or none, whatever happens to the connection.
    pub(crate) async fn apply(&mut self, events: &[Event]) -> Result<Done> {
        let Some(last) = events.last() else {
            return Ok(Done::default());
        };
        let next = Mark {
            events: last.number,
            chain: last.chain.clone(),
            ..self.mark.clone()
        };
        if self.stale {
            self.levels = retry(|| read_levels(&self.pool, &self.names.location)).await?;
            self.stale = false;
        }
        let (done, levels) = retry(|| self.attempt(events, &next)).await?;
        self.mark = next;
        match levels {
            Some(levels) => self.levels = levels,
            None => self.stale = true,
        }
        Ok(done)
    }

    /// One try at a batch. Gives the levels after it, unless it turns out that an earlier try had got through and
    /// only its answer was lost.
    async fn attempt(&self, events: &[Event], next: &Mark) -> Result<(Done, Option<Levels>), BatchError> {
        let client = self.pool.get().await?;
        client.batch_execute("begin").await.map_err(DbError::from)?;
        let result = self.in_transaction(&client, events, next).await;
        if let Ok((_, Some(_))) = &result {
            client.batch_execute("commit").await.map_err(DbError::from)?;
        } else {
            // On a broken connection this fails as well, and the pool does not use it again.
            let _ended = client.batch_execute("rollback").await;
        }
        result
    }

    async fn in_transaction(
        &self,
        client: &PooledClient,
        events: &[Event],
        next: &Mark,
    ) -> Result<(Done, Option<Levels>), BatchError> {
        lock_import(client, &self.names.location).await?;
        let location = onhand_db::get_location(client, &self.names.location).await?;
        let metadata = location.map_or(Value::Null, |location| location.metadata);
        let stored = Mark::find(&metadata, &self.dataset).map_err(BatchError::Other)?;
        if stored.as_ref() == Some(next) {
            return Ok((history::look_back(client, events, &self.names).await?, None));
        }
        if stored.as_ref().map_or(0, |mark| mark.events) != self.mark.events {
            return Err(BatchError::Other(anyhow::anyhow!(
                "another import of the same file is going on at this location"
            )));
        }
        let mut batch = Batch {
            client,
            names: &self.names,
            on_short: self.on_short,
            levels: self.levels.clone(),
            done: Done::default(),
        };
        let first = attempt::first_round(events, &self.names, &mut batch.levels, self.on_short);
        batch.run(first).await?;
        let metadata = next.store(&metadata, &self.dataset).map_err(BatchError::Other)?;
        onhand_db::upsert_locations(client, &[json!({"id": self.names.location, "metadata": metadata})]).await?;
        Ok((batch.done, Some(batch.levels)))
    }
}

/// One batch under way, inside its transaction.
struct Batch<'a> {
    client: &'a PooledClient,
    names: &'a Names,
    on_short: OnShort,
    levels: Levels,
    done: Done,
}

impl Batch<'_> {
    /// Sends all, asks for less where it is refused, and confirms what was reserved.
    async fn run(&mut self, first: Vec<Attempt>) -> Result<(), BatchError> {
        let mut waiting = first;
        let mut reserved = Vec::new();
        while !waiting.is_empty() {
            let refused = self.send(waiting, &mut reserved).await?;
            self.look_again(&refused).await?;
            waiting = Vec::new();
            for (attempt, refusal) in refused {
                let again = attempt.clone().again(&refusal, &self.levels, self.on_short);
                if again.is_empty() {
                    self.done.refused = self.done.refused.saturating_add(1);
                    let sku = attempt.wanted.first().map(|(sku, _)| sku.clone()).unwrap_or_default();
                    self.done.refusals.push((attempt.event, sku, refusal.code));
                }
                waiting.extend(again);
            }
        }
        self.confirm(&reserved).await
    }

    async fn send(
        &mut self,
        attempts: Vec<Attempt>,
        reserved: &mut Vec<Value>,
    ) -> Result<Vec<(Attempt, onhand_db::Refusal)>, BatchError> {
        let commands: Vec<Value> = attempts.iter().map(|attempt| attempt.command(self.names)).collect();
        let mut refused = Vec::new();
        for (attempt, outcome) in attempts.into_iter().zip(self.call(&commands).await?) {
            let answer = match outcome {
                Outcome::Applied(answer) => answer,
                Outcome::Replayed(answer) => answer,
                Outcome::Refused(refusal) if refusal.code == ErrorCode::ReservationExists => {
                    return Err(BatchError::Other(anyhow::anyhow!(
                        "this file was imported here before, but the location's note on it is gone; \
                         import it into another --location"
                    )));
                }
                Outcome::Refused(refusal) => {
                    refused.push((attempt, refusal));
                    continue;
                }
            };
            reserved.extend(attempt.confirmation(self.names));
            match attempt.task {
                Task::Sale { .. } => {
                    let sold = self.done.sold.entry(attempt.event).or_default();
                    sold.extend(answer.levels.iter().map(|level| (level.sku.clone(), level.quantity)));
                }
                Task::Adjust { line, .. } => {
                    let units = answer.levels.first().map_or(0, |level| level.quantity.saturating_abs());
                    self.done.adjusted.insert(line, units);
                }
                Task::Receipt | Task::Return => {}
            }
        }
        Ok(refused)
    }

    async fn confirm(&mut self, confirmations: &[Value]) -> Result<(), BatchError> {
        for outcome in self.call(confirmations).await? {
            if let Outcome::Refused(refusal) = outcome {
                // Reserved a moment ago in this very transaction: a refusal means that something is badly wrong.
                return Err(BatchError::Database(DbError::Refused(refusal)));
            }
        }
        Ok(())
    }

    /// Calls the database and keeps what it says about the levels.
    async fn call(&mut self, commands: &[Value]) -> Result<Vec<Outcome>, BatchError> {
        let mut outcomes = Vec::with_capacity(commands.len());
        for chunk in commands.chunks(MOST_COMMANDS) {
            for outcome in onhand_db::apply_commands(self.client, chunk, Some("onhand-import"), SOURCE).await? {
                let counter = match &outcome {
                    Outcome::Applied(answer) => {
                        answer
                            .levels
                            .iter()
                            .for_each(|level| self.levels.set(&level.sku, level.available));
                        &mut self.done.applied
                    }
                    Outcome::Replayed(_) => &mut self.done.replayed,
                    Outcome::Refused(_) => {
                        outcomes.push(outcome);
                        continue;
                    }
                };
                *counter = counter.saturating_add(1);
                outcomes.push(outcome);
            }
        }
        Ok(outcomes)
    }

    /// Asks what is there of the items that were refused.
    async fn look_again(&mut self, refused: &[(Attempt, onhand_db::Refusal)]) -> Result<(), BatchError> {
        let skus: Vec<&str> = refused
            .iter()
            .filter(|(_, refusal)| refusal.code == ErrorCode::InsufficientStock)
            .flat_map(|(attempt, _)| attempt.asked.iter().map(|(sku, _)| sku.as_str()))
            .collect();
        if skus.is_empty() {
            return Ok(());
        }
        let rows = self
            .client
            .query(
                "select i.sku, s.available from inventory.stock_level as s join inventory.item as i on i.id = s.item_id \
                 where s.location_id = $1 and i.sku = any($2)",
                &[&self.names.location, &skus],
            )
            .await
            .map_err(DbError::from)?;
        for row in rows {
            self.levels.set(row.try_get(0)?, row.try_get(1)?);
        }
        Ok(())
    }
}

/// One import at a time writes at a location; the lock goes with the transaction.
async fn lock_import(client: &PooledClient, location: &str) -> Result<(), DbError> {
    client
        .execute(
            "select pg_advisory_xact_lock(hashtextextended('onhand import ' || $1::text, 0))",
            &[&location],
        )
        .await?;
    Ok(())
}

/// The metadata of the location, which is made if it is missing.
async fn ensure_location(pool: &Pool, id: &str) -> Result<Value, BatchError> {
    let client = pool.get().await?;
    if let Some(location) = onhand_db::get_location(&client, id).await? {
        if location.status != "open" {
            return Err(BatchError::Other(anyhow::anyhow!(
                "location {id} is {}",
                location.status
            )));
        }
        return Ok(location.metadata);
    }
    let made = onhand_db::upsert_locations(&client, &[json!({"id": id, "name": id, "type": "warehouse"})]).await?;
    Ok(made
        .into_iter()
        .next()
        .map_or(Value::Null, |location| location.metadata))
}

/// Makes the items that are missing; those that are there stay as they are.
async fn ensure_items(pool: &Pool, catalogue: &Catalogue) -> Result<(), BatchError> {
    let client = pool.get().await?;
    let mut skus: Vec<String> = catalogue.items.keys().cloned().collect();
    skus.sort_unstable();
    for chunk in skus.chunks(MOST_ITEMS) {
        let known: HashMap<_, _> = onhand_db::item_ids(&client, chunk).await?.into_iter().collect();
        let missing: Vec<Value> = chunk
            .iter()
            .filter(|sku| !known.contains_key(*sku))
            .map(
                |sku| json!({"sku": sku, "name": catalogue.items.get(sku).and_then(|item| item.name()).unwrap_or(sku)}),
            )
            .collect();
        if !missing.is_empty() {
            onhand_db::upsert_items(&client, &missing).await?;
        }
    }
    Ok(())
}

async fn read_levels(pool: &Pool, location: &str) -> Result<Levels, BatchError> {
    let client = pool.get().await?;
    let rows = client
        .query(
            "select i.sku, s.available from inventory.stock_level as s join inventory.item as i on i.id = s.item_id \
             where s.location_id = $1",
            &[&location],
        )
        .await
        .map_err(DbError::from)?;
    let mut levels = Levels::default();
    for row in rows {
        levels.set(row.try_get(0)?, row.try_get(1)?);
    }
    Ok(levels)
}

/// Tries again while the database is away or another session stands in the way, for a bounded time.
async fn retry<T, F, Fut>(operation: F) -> Result<T>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, BatchError>>,
{
    let backoff = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(100))
        .with_max_delay(Duration::from_secs(3))
        .with_jitter()
        .without_max_times()
        .with_total_delay(Some(PATIENCE));
    let result = operation
        .retry(backoff)
        .when(BatchError::passes)
        .notify(|error: &BatchError, pause| eprintln!("import: {error}; trying again in {:.1} s", pause.as_secs_f32()))
        .await;
    match result {
        Ok(value) => Ok(value),
        Err(BatchError::Other(error)) => Err(error),
        Err(error) if error.passes() => Err(error).with_context(|| {
            format!(
                "gave up after {} s; everything up to here is safe, run the same command again to go on",
                PATIENCE.as_secs()
            )
        }),
        Err(BatchError::Database(DbError::Refused(refusal))) => bail!("{}: {}", refusal.message, refusal.detail),
        Err(error) => Err(error.into()),
    }
}
