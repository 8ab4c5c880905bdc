//! Availability in Redis: one hash per item, kept by change events, filled from Postgres.

mod config;
mod model;
mod sink;
mod sweep;
mod warm;

pub use config::RedisConfig;
pub use model::{
    APPLY_SCRIPT, CacheError, CachedItem, ItemRows, Keys, Repair, RowError, RowRepair, StockCache, StockRow,
    StockStatus,
};
pub use sink::{CacheSink, rows_of};
pub(crate) use sweep::{remove_others, scan};
pub use warm::declare_warm;
