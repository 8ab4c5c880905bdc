//! Alerts: edges of what is available and of what is about to end, kept in Postgres, told to Alertmanager, Slack,
//! PagerDuty and signed webhooks.
//!
//! ```text
//! write (Kafka)   -> judge each level -> state, edges and what is to be delivered of them, one transaction -> offsets
//! tick            -> lots, holds, counts, the pipeline, changed rules -> the same
//! dispatcher      -> takes what is due, sends it, settles it; one process at a time
//! ```
//! A receiver that fails or stalls holds up neither Kafka nor another receiver: nothing is sent while a batch is written.

mod apart;
mod checks;
mod config;
mod dispatch;
mod metrics;
mod model;
mod pipeline;
mod receivers;
mod sink;
mod store;
mod warm;

pub use config::AlertsConfig;
pub use sink::AlertsSink;
