//! Availability in Redis: one hash per item, kept by change events, filled from Postgres.

mod config;
mod model;
mod sink;
mod warm;

pub use config::RedisConfig;
pub use model::{
    CacheError, CachedItem, ItemRows, Keys, Repair, RowError, RowRepair, StockCache, StockRow, StockStatus,
};
pub use sink::CacheSink;
