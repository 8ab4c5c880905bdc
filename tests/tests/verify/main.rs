//! The proof that the read models equal Postgres, put to the test on the running stack: what is planted is found and repaired, a busy
//! system raises no alarm, indexes are rebuilt under its readers, and topics and rows may come and go. One test after the other.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, missing_docs)]

mod alarm;
mod converge;
mod movements;
mod planted;
mod rebuild;
mod world;
