//! The public event contracts, made from the movement ledger and the summaries of items.
//!
//! `README.md` beside this file says which record goes where, what its key, id and version are, and what a reader may
//! rely on.

mod bounded;
mod config;
mod contracts;
mod metrics;
mod model;
mod newest;
mod producer;
mod sink;
mod warm;

pub use config::{Output, PublishConfig};
pub use sink::PublishSink;
