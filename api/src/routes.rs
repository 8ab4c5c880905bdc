//! Endpoints, one file per subject. A handler turns a request into a command or a query and the
//! result into an answer; it decides nothing.

pub(crate) mod batch;
pub(crate) mod inventory;
pub(crate) mod items;
pub(crate) mod locations;
pub(crate) mod products;
pub(crate) mod reservations;
pub(crate) mod stock;
pub(crate) mod system;
mod write;
