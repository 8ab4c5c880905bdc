//! Availability: from Redis where it is complete and no hold may have ended, else from Postgres,
//! which then fills Redis again.
//!
//! Invariants: a slow or absent Redis costs a caller one short wait at most, never the answer; a
//! refill carries the versions it read and loses to newer ones; many callers that miss the same
//! item cause one query; a caller's tokens are met, whatever the answer comes from.

mod breaker;
mod flight;
mod identity;
mod item;
mod provenance;
mod reader;

use identity::Identities;
pub(crate) use item::{ItemStock, Source, instant};
pub(crate) use provenance::{CACHE_STATUS, provenance};
pub(crate) use reader::{Found, StockReader};
