//! Items and stock in Elasticsearch: one document per row, kept by change events, filled from
//! Postgres.

mod client;
mod config;
mod fold;
mod index;
mod model;
mod query;
mod replay;
mod sink;
mod sweep;
mod warm;

pub use config::ElasticsearchConfig;
pub use index::Indexes;
pub use query::{ItemFloor, ProductHit, ProductSearch, SearchCursor, SearchError, SearchPage, search_products};
pub use replay::Replay;
pub use sink::SearchSink;
pub(crate) use sweep::{Kind as SweepKind, Sweeper};
