//! Reads availability.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use onhand_consumers::StockCache;
use onhand_consumers::cache::StockRow;
use onhand_db::DbError;
use uuid::Uuid;

use super::Identities;
use super::breaker::Breaker;
use super::flight::Flights;
use super::item::{ItemStock, row};
use crate::config::ReadConfig;
use crate::extract::ItemRef;
use crate::metrics;
use crate::problem::{Problem, TOKEN_AHEAD, UNKNOWN_ITEM};
use crate::store::{Store, in_full};
use crate::token::Token;

/// A refill that takes longer is given up; the next miss tries again.
const REFILL_TIMEOUT: Duration = Duration::from_secs(2);
/// How often Redis is asked again while a caller's own write is on its way there.
const TOKEN_POLL: Duration = Duration::from_millis(4);

/// Reads availability; cheap to clone.
#[derive(Clone)]
pub(crate) struct StockReader {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    cache: StockCache,
    cache_timeout: Duration,
    token_wait: Duration,
    breaker: Breaker,
    identities: Identities,
    flights: Flights<Uuid, Result<Option<ItemStock>, Problem>>,
    concurrency: usize,
}

/// What a batch read found, by the caller's own names.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) stocks: HashMap<String, ItemStock>,
    /// Names that no item has.
    pub(crate) missing: Vec<String>,
    /// Names that neither Redis nor Postgres could answer, or only with older rows than asked for, and why.
    pub(crate) unanswered: Vec<String>,
    pub(crate) failure: Option<Problem>,
}

impl Found {
    /// Code of the problem for which a name has no stock here; none if it has.
    pub(crate) fn why_not(&self, name: &str) -> Option<&'static str> {
        if self.stocks.contains_key(name) {
            return None;
        }
        let unanswered = self.unanswered.iter().any(|other| other == name);
        match &self.failure {
            Some(problem) if unanswered => Some(problem.code()),
            _ => Some(UNKNOWN_ITEM.code),
        }
    }
}

impl StockReader {
    pub(crate) fn new(store: Store, cache: StockCache, config: &ReadConfig) -> Self {
        let inner = Inner {
            store,
            cache,
            cache_timeout: Duration::from_millis(config.redis_timeout_ms),
            token_wait: Duration::from_millis(config.token_wait_ms),
            breaker: Breaker::new(),
            identities: Identities::new(config),
            flights: Flights::new(),
            concurrency: config.fallback_concurrency,
        };
        Self { inner: Arc::new(inner) }
    }

    /// Whether Redis answered when it was last asked; asks it if that is long ago.
    pub(crate) async fn cache_answers(&self) -> bool {
        self.cached(&[Uuid::nil()]).await;
        !self.inner.breaker.is_open()
    }

    /// The stock of one item, as new as the token asks.
    pub(crate) async fn item(&self, item: &ItemRef, token: &Token) -> Result<ItemStock, Problem> {
        let unknown = || Problem::new(&UNKNOWN_ITEM);
        let id = match item {
            ItemRef::Id(id) => *id,
            ItemRef::Sku(sku) => self.id_of(sku).await?.ok_or_else(unknown)?,
        };
        if let Some(Some(stock)) = self.fresh(&[id], token).await.pop() {
            return Ok(stock);
        }
        // A flight that is under way may have set out before the caller's write; the next one has not.
        let flights = if token.concerns(id) { 2 } else { 1 };
        let mut stock = self.flight(id).await?.ok_or_else(unknown)?;
        for _ in 1..flights {
            if token.is_met_by(id, &stock.rows) && !token.needs_postgres(id) {
                break;
            }
            stock = self.flight(id).await?.ok_or_else(unknown)?;
        }
        if token.is_met_by(id, &stock.rows) {
            return Ok(stock);
        }
        metrics::token_ahead();
        Err(Problem::new(&TOKEN_AHEAD))
    }

    /// One query for all who ask for the item now.
    async fn flight(&self, id: Uuid) -> Result<Option<ItemStock>, Problem> {
        let reader = self.clone();
        let flight = self.inner.flights.join(id, || async move { reader.load_one(id).await });
        flight.await.unwrap_or_else(|| {
            let detail = "the query that several requests shared was interrupted";
            Err(Problem::new(&crate::problem::INTERNAL).detail(detail))
        })
    }

    /// The stock of many items, as new as the token asks.
    pub(crate) async fn many(&self, names: &[String], token: &Token) -> Found {
        let mut found = Found::default();
        let resolved = self.resolve(names, &mut found).await;
        let ids: Vec<Uuid> = unique(resolved.iter().map(|(_, id)| *id));
        let mut stocks: HashMap<Uuid, ItemStock> = HashMap::with_capacity(ids.len());
        for stock in self.fresh(&ids, token).await.into_iter().flatten() {
            stocks.insert(stock.item_id, stock);
        }
        let misses: Vec<Uuid> = ids.iter().filter(|id| !stocks.contains_key(id)).copied().collect();
        let mut failed = self.load(&misses, &mut stocks, &mut found).await;
        for id in misses {
            let behind = |stock: &ItemStock| !token.is_met_by(id, &stock.rows);
            if stocks.get(&id).is_some_and(behind) {
                metrics::token_ahead();
                stocks.remove(&id);
                failed.insert(id);
                found.failure = Some(Problem::new(&TOKEN_AHEAD));
            }
        }
        for (name, id) in resolved {
            match stocks.get(&id) {
                Some(stock) => drop(found.stocks.insert(name, stock.clone())),
                None if failed.contains(&id) => found.unanswered.push(name),
                None => found.missing.push(name),
            }
        }
        found
    }

    /// The sku of an item, if it can be had.
    pub(crate) async fn sku_of(&self, id: Uuid) -> Option<String> {
        if let Some(sku) = self.inner.identities.sku_of(id).await {
            return Some(sku);
        }
        let item = self.inner.store.item(&ItemRef::Id(id)).await.ok().flatten()?;
        self.inner.identities.learn(&item.sku, id).await;
        Some(item.sku)
    }

    async fn id_of(&self, sku: &str) -> Result<Option<Uuid>, Problem> {
        if let Some(id) = self.inner.identities.id_of(sku).await {
            return Ok(Some(id));
        }
        let ids = self.inner.store.item_ids(&[sku.to_owned()]).await?;
        let id = ids.get(sku).copied();
        if let Some(id) = id {
            self.inner.identities.learn(sku, id).await;
        }
        Ok(id)
    }

    /// Names to ids; those that cannot be resolved are noted in `found`.
    async fn resolve(&self, names: &[String], found: &mut Found) -> Vec<(String, Uuid)> {
        let mut resolved = Vec::with_capacity(names.len());
        let mut unknown = Vec::new();
        for name in unique(names.iter().cloned()) {
            let id = match ItemRef::parse(&name) {
                ItemRef::Id(id) => Some(id),
                ItemRef::Sku(sku) => self.inner.identities.id_of(&sku).await,
            };
            match id {
                Some(id) => resolved.push((name, id)),
                None => unknown.push(name),
            }
        }
        if unknown.is_empty() {
            return resolved;
        }
        match self.inner.store.item_ids(&unknown).await {
            Ok(ids) => {
                for name in unknown {
                    match ids.get(&name).copied() {
                        Some(id) => {
                            self.inner.identities.learn(&name, id).await;
                            resolved.push((name, id));
                        }
                        None => found.missing.push(name),
                    }
                }
            }
            Err(error) => {
                found.unanswered.extend(unknown);
                found.failure = Some(error.into());
            }
        }
        resolved
    }

    /// What Redis can answer for and is as new as the token asks, in the order asked. What is behind the token is waited for
    /// a moment: mostly it is on its way.
    async fn fresh(&self, ids: &[Uuid], token: &Token) -> Vec<Option<ItemStock>> {
        let mut found = self.cached(ids).await;
        found.resize_with(ids.len(), || None);
        let behind = |stock: &ItemStock| !token.is_met_by(stock.item_id, &stock.rows);
        let until = Instant::now() + self.inner.token_wait;
        let mut waited = 0;
        loop {
            let late: Vec<Uuid> = found
                .iter()
                .flatten()
                .filter(|stock| behind(stock))
                .map(|stock| stock.item_id)
                .collect();
            let left = until.saturating_duration_since(Instant::now());
            if late.is_empty() || left.is_zero() {
                break;
            }
            waited = waited.max(late.len());
            tokio::time::sleep(left.min(TOKEN_POLL)).await;
            let again = self.cached(&late).await.into_iter().flatten();
            let mut again: HashMap<Uuid, ItemStock> = again.map(|stock| (stock.item_id, stock)).collect();
            for stock in found.iter_mut().filter(|stock| stock.as_ref().is_some_and(behind)) {
                *stock = stock.as_ref().and_then(|stock| again.remove(&stock.item_id));
            }
        }
        let mut refused = 0;
        for stock in &mut found {
            let useless = |stock: &ItemStock| behind(stock) || token.needs_postgres(stock.item_id);
            if stock.as_ref().is_some_and(useless) {
                refused += 1;
                *stock = None;
            }
        }
        let met = found
            .iter()
            .flatten()
            .filter(|stock| token.concerns(stock.item_id))
            .count();
        metrics::token_read("waited", waited.min(met));
        metrics::token_read("cache", met.saturating_sub(waited));
        metrics::token_read("database", refused);
        found
    }

    /// What Redis can answer for, in the order asked; nothing at all if it is slow or down.
    async fn cached(&self, ids: &[Uuid]) -> Vec<Option<ItemStock>> {
        let inner = &self.inner;
        if ids.is_empty() || !inner.breaker.allows() {
            metrics::cache_read("error", ids.len());
            return Vec::new();
        }
        let failure = match tokio::time::timeout(inner.cache_timeout, inner.cache.read(ids)).await {
            Ok(Ok(items)) => {
                inner.breaker.succeeded();
                let hits = items.iter().flatten().count();
                metrics::cache_read("hit", hits);
                metrics::cache_read("miss", ids.len().saturating_sub(hits));
                return items.into_iter().map(|item| item.map(ItemStock::of_cache)).collect();
            }
            Ok(Err(error)) => in_full(&error),
            Err(_) => format!("no answer within {:?}", inner.cache_timeout),
        };
        inner.breaker.failed();
        metrics::cache_read("error", ids.len());
        tracing::warn!(error = failure, "redis does not answer, postgres is asked");
        Vec::new()
    }

    async fn load_one(&self, id: Uuid) -> Result<Option<ItemStock>, Problem> {
        let mut stocks = HashMap::new();
        let mut found = Found::default();
        self.load(&[id], &mut stocks, &mut found).await;
        match found.failure {
            Some(problem) => Err(problem),
            None => Ok(stocks.remove(&id)),
        }
    }

    /// Reads items from Postgres into `stocks` and fills Redis with them. Answers those for which
    /// Postgres failed, too; an item in neither does not exist.
    async fn load(&self, ids: &[Uuid], stocks: &mut HashMap<Uuid, ItemStock>, found: &mut Found) -> HashSet<Uuid> {
        if ids.is_empty() {
            return HashSet::new();
        }
        metrics::fallback_query();
        let levels = match self.inner.store.stored_levels(ids).await {
            Ok(levels) => levels,
            Err(error) => {
                found.failure = Some(error.into());
                return ids.iter().copied().collect();
            }
        };
        let mut by_item: HashMap<Uuid, Vec<StockRow>> = HashMap::new();
        for level in &levels {
            by_item.entry(level.item_id).or_default().extend(row(level));
        }
        self.refill(&by_item);
        let mut failed = HashSet::new();
        let answers = stream::iter(ids.iter().copied())
            .map(|id| {
                let rows = by_item.remove(&id);
                async move { (id, self.exact(id, rows).await) }
            })
            .buffer_unordered(self.inner.concurrency);
        let answers: Vec<_> = answers.collect().await;
        for (id, answer) in answers {
            match answer {
                Ok(Some(stock)) => drop(stocks.insert(id, stock)),
                Ok(None) => {}
                Err(error) => {
                    failed.insert(id);
                    found.failure = Some(error.into());
                }
            }
        }
        failed
    }

    /// Stored rows are exact unless a hold on one has ended; an item without rows may not exist.
    async fn exact(&self, id: Uuid, rows: Option<Vec<StockRow>>) -> Result<Option<ItemStock>, DbError> {
        let now = Timestamp::now().as_millisecond();
        let due = |rows: &[StockRow]| rows.iter().any(|row| row.has_due_hold(now));
        let rows = match rows {
            Some(rows) if !due(&rows) => return Ok(Some(ItemStock::of_database(id, rows))),
            rows => rows,
        };
        let Some(item) = self.inner.store.item(&ItemRef::Id(id)).await? else {
            return Ok(None);
        };
        self.inner.identities.learn(&item.sku, id).await;
        if rows.is_none() {
            return Ok(Some(ItemStock::of_database(id, Vec::new())));
        }
        let states = self.inner.store.exact_levels(&item.sku).await?;
        let rows = states.iter().filter_map(|state| row(&state.level)).collect();
        Ok(Some(ItemStock::of_database(id, rows)))
    }

    /// Writes what Postgres has to Redis, beside the answer; the versions decide what counts.
    fn refill(&self, by_item: &HashMap<Uuid, Vec<StockRow>>) {
        if by_item.is_empty() || self.inner.breaker.is_open() {
            return;
        }
        let items: Vec<_> = by_item
            .iter()
            .map(|(id, rows)| ItemStock::refill(*id, rows.clone()))
            .collect();
        let cache = self.inner.cache.clone();
        tokio::spawn(async move {
            let result = match tokio::time::timeout(REFILL_TIMEOUT, cache.load(&items)).await {
                Ok(Ok(_)) => "success",
                Ok(Err(_)) | Err(_) => "error",
            };
            metrics::cache_refill(result);
        });
    }
}

fn unique<T: Clone + Eq + std::hash::Hash>(values: impl Iterator<Item = T>) -> Vec<T> {
    let mut seen = HashSet::new();
    values.filter(|value| seen.insert(value.clone())).collect()
}
