//! What other systems send: inventory events and stock commands, and the answer to a command that was refused.
//!
//! A record says what its sender wants; whether that may be is decided by the SQL functions alone. So the types here are as
//! wide as the wire: an unknown operation or a moment beyond every calendar is read, and refused by name later.

mod command;
mod event;
mod failure;
mod fields;
#[cfg(test)]
mod tests;

pub use command::{StockCommand, StockCommandLine};
pub use event::InventoryEvent;
pub use failure::{EncodeError, StockFailure};
pub use fields::Moment;
