//! Inventory events and stock commands of other systems, applied through `api.apply_commands`.
//!
//! This sink is no read model: it writes where everybody writes, by the same function and under the same rules. What makes it
//! harmless to read a record twice is the id in it, which is the idempotency key of the command. See README.md beside this file.

mod answers;
mod apply;
mod command;
mod config;
mod metrics;
mod model;
mod sink;

pub use config::IngestConfig;
pub use model::Inbound;
pub use sink::IngestSink;
