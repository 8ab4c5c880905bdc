//! What handlers share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;
use onhand_consumers::StockCache;
use onhand_consumers::search::ProductSearch;
use onhand_db::{DatabaseConfig, Pool};

use crate::config::{ApiConfig, ApiServerConfig};
use crate::error::ApiError;
use crate::lane::Lanes;
use crate::metrics;
use crate::reads::StockReader;
use crate::store::{LaneExecutor, Store};

/// Longest wait for a part when readiness is asked for.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// Shared by all handlers; cheap to clone.
#[derive(Clone)]
pub struct AppState {
    inner: Arc<Inner>,
}

struct Inner {
    config: ApiConfig,
    lanes: Lanes,
    lane_pool: Pool,
    store: Store,
    reader: StockReader,
    search: ProductSearch,
    draining: AtomicBool,
    metrics: PrometheusHandle,
}

impl AppState {
    /// Builds pools, clients and lanes. Nothing is connected yet: parts that are down now are found
    /// when they come up.
    ///
    /// # Errors
    /// [`ApiError`] if a setting cannot work.
    pub fn new(config: ApiServerConfig) -> Result<Self, ApiError> {
        config.validate()?;
        let metrics = metrics::install()?;
        let lane_pool = pool(DatabaseConfig {
            pool_size: config.api.lane.lanes,
            ..config.database.clone()
        })?;
        let store = Store::new(pool(config.database)?);
        let executor = LaneExecutor::new(lane_pool.clone(), config.api.request_timeout());
        let lanes = Lanes::start(&config.api.lane, Arc::new(executor));
        let cache = StockCache::new(&config.redis).map_err(|error| setup("redis", error))?;
        let reader = StockReader::new(store.clone(), cache, &config.api.read);
        let patience = Duration::from_millis(config.api.read.search_timeout_ms);
        let search =
            ProductSearch::new(&config.elasticsearch, patience).map_err(|error| setup("elasticsearch", error))?;
        let inner = Inner {
            config: config.api,
            lanes,
            lane_pool,
            store,
            reader,
            search,
            draining: AtomicBool::new(false),
            metrics,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    pub(crate) fn config(&self) -> &ApiConfig {
        &self.inner.config
    }

    pub(crate) fn lanes(&self) -> &Lanes {
        &self.inner.lanes
    }

    pub(crate) fn store(&self) -> &Store {
        &self.inner.store
    }

    pub(crate) fn reader(&self) -> &StockReader {
        &self.inner.reader
    }

    pub(crate) fn search(&self) -> &ProductSearch {
        &self.inner.search
    }

    /// Makes the instance report itself not ready.
    pub(crate) fn start_draining(&self) {
        self.inner.draining.store(true, Ordering::Release);
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.inner.draining.load(Ordering::Acquire)
    }

    pub(crate) async fn postgres_answers(&self) -> bool {
        let ping = tokio::time::timeout(PROBE_TIMEOUT, self.store().ping());
        ping.await.is_ok_and(|answer| answer.is_ok())
    }

    pub(crate) async fn redis_answers(&self) -> bool {
        let probe = tokio::time::timeout(PROBE_TIMEOUT, self.reader().cache_answers());
        probe.await.unwrap_or(false)
    }

    pub(crate) async fn search_answers(&self) -> bool {
        let probe = tokio::time::timeout(PROBE_TIMEOUT, self.search().health());
        probe.await.is_ok_and(|answer| answer.is_ok())
    }

    /// All metrics as text; gauges of the pools are taken now.
    pub(crate) fn render_metrics(&self) -> String {
        for (name, pool) in [("lanes", &self.inner.lane_pool), ("reads", self.store().pool())] {
            let (open, waiting) = pool.usage();
            metrics::pool(name, open, waiting);
        }
        self.inner.metrics.render()
    }

    /// Folds what the histograms gathered; to be called now and then.
    pub(crate) fn keep_metrics(&self) {
        self.inner.metrics.run_upkeep();
    }
}

fn pool(config: DatabaseConfig) -> Result<Pool, ApiError> {
    Pool::new(&config).map_err(|error| setup("postgres", error))
}

pub(crate) fn setup(part: &'static str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ApiError {
    ApiError::Setup {
        part,
        source: source.into(),
    }
}
