//! How other pipelines broke: rows f12 to f27 and f29 of the catalogue of failures. Each scenario runs twice: on a small copy of the
//! faulty pattern, where its check must find the fault, and on the code of Onhand, where the same check must find nothing.
//!
//! Postgres and Redis are real. Kafka is the mock that comes with its client, in which our consumers run as they are; the registry
//! and the search engine are models (`pipeline.rs`, `index.rs`). What a row takes beyond that is tested on the whole stack, by tests
//! whose names begin with the same row; `rows.rs` sees to it that each row has both.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test says by panicking what is not as it must be"
)]

mod caches;
mod consumers;
mod group;
mod index;
mod indexes;
mod pipeline;
mod rows;
mod schemas;
mod slots;
mod stock;
mod story;

use onhand_tests::suite::{self, test};
use std::process::ExitCode;

fn main() -> ExitCode {
    let all = [
        indexes::all(),
        caches::all(),
        slots::all(),
        consumers::all(),
        schemas::all(),
        group::all(),
    ];
    let mut all: Vec<_> = all.into_iter().flatten().collect();
    let here: Vec<String> = all.iter().map(|(name, _)| name.clone()).collect();
    all.push(test("each_row_is_here_and_on_the_whole_stack", |_| async move {
        rows::are_complete(&here)
    }));
    suite::run(Ok(all))
}
