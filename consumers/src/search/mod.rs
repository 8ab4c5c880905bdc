//! Items, stock, summaries and movements in Elasticsearch: one document per row, kept by change events, filled from Postgres.
//! See README.md in this folder.

mod beside;
mod body;
mod client;
mod config;
mod fill;
mod fold;
mod index;
mod model;
mod month;
mod query;
mod rebuild;
mod replay;
mod sink;
mod sweep;
mod warm;

pub use config::ElasticsearchConfig;
pub use index::Indexes;
pub use query::{
    ItemFloor, ProductHit, ProductSearch, SearchCursor, SearchError, SearchPage, StockTotals, search_products,
};
pub use rebuild::{Rebuild, RebuildError, Rebuilt};
pub use replay::Replay;
pub use sink::SearchSink;

pub(crate) use client::{Client, ClientError, Document, DocumentResult};
pub(crate) use index::{is_warm, warm};
pub(crate) use model::{
    item as item_document, movement as movement_document, stock as stock_document, summary as summary_document,
    tombstone,
};
pub(crate) use month::Month;
pub(crate) use sweep::{Kind as SweepKind, Sweeper};
