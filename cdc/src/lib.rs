//! Change events: what Debezium writes about the tables of Onhand, and how to read it.
//!
//! The crate knows topics, schemas and the registry, Connect, and the shape of each change event.
//! It knows nothing of what a consumer does with them.

pub mod backlog;
mod chain;
mod config;
pub mod connect;
pub mod decode;
pub mod encode;
pub mod envelope;
mod environment;
pub mod guard;
mod http;
pub mod inbound;
mod lenient;
pub mod notification;
pub mod offsets;
pub mod registry;
pub mod schemas;
pub mod topics;
mod version;

pub use chain::error_chain;
pub use config::{ConfigError, ConnectConfig, KafkaConfig, RegistryConfig};
pub use decode::{DecodeClass, DecodeError, Decoder};
pub use envelope::{Change, Envelope, Operation, Source, Table};
pub use environment::Environment;
pub use registry::{RegistryClient, RegistryError};
pub use version::RowVersion;
