//! From a movement or a summary to the records of each contract. Nothing here waits or remembers.

mod aggregate;
mod catalogue_event;
mod cloud_event;
mod facts;
mod kind;
mod message;
mod quantity;
mod settings;
mod state;
mod stock_event;
#[cfg(test)]
pub(in crate::publish) mod testing;
#[cfg(test)]
mod tests;

pub(super) use aggregate::aggregate;
pub(super) use catalogue_event::{low_stock_alert, stock_level_changed};
pub(super) use cloud_event::{low_stock, stock_changes};
pub(super) use facts::{Facts, Item, Place};
pub(super) use message::Message;
pub(super) use settings::{LowStock, Settings, named_lot, settings_change};
pub(super) use state::state;
pub(super) use stock_event::stock_updated;
