//! The HTTP interface of Onhand.
//!
//! Writes become commands that the [`lane`] gathers into calls of `api.apply_commands`; `reads`
//! answers availability from Redis or Postgres, `token` makes callers see their own writes; `routes` holds the endpoints, `problem` every error
//! they can answer. Nothing here decides about stock: SQL does.

mod config;
mod error;
mod extract;
mod housekeeping;
mod lane;
mod leader;
mod metrics;
mod middleware;
mod openapi;
mod problem;
mod reads;
mod replication;
mod router;
mod routes;
mod server;
mod state;
mod store;
mod summaries;
mod sweeper;
mod token;
mod units;

pub use config::{ApiConfig, ApiServerConfig, LaneConfig, ReadConfig, UpkeepConfig};
pub use error::ApiError;
pub use housekeeping::HousekeepingConfig;
pub use problem::{Fault, Problem, ProblemKind};
pub use router::router;
pub use server::run;
pub use state::AppState;
pub use summaries::{SummaryConfig, fold_rest};
