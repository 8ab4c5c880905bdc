//! Alerts on the real stack, told to real HTTP receivers that fail, stall, answer twice and go away. Each test takes the place of
//! the stack's own consumer of alerts by one that knows its receivers, and gives it back.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test says by panicking what is not as it must be"
)]

mod away;
mod consumer;
mod crash;
mod edges;
mod receiver;
mod shop;
mod webhooks;
