//! What the tests on real parts share: databases made from one template, TAP, the invariants of the inventory.

pub mod commands;
pub mod consumer;
pub mod database;
pub mod group;
pub mod inbound;
pub mod invariants;
pub mod inventory;
pub mod kafka;
pub mod otlp;
pub mod process;
pub mod stack;
pub mod suite;
pub mod tap;
