//! Real concurrency: many sessions on one Postgres, then the invariants. Each test has a database of its own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test says by panicking what is not as it must be"
)]

mod catalogue;
mod deeds;
mod histories;
mod holds;
mod months;
mod pairs;
mod retries;
mod stock;
mod storm;
mod waits;
mod world;

use anyhow::Result;
use onhand_tests::invariants;
use onhand_tests::inventory::{apply, apply_one, assert_no_deadlock, clients, count, level, make_catalogue};
use onhand_tests::suite::{self, test};
use std::process::ExitCode;
use tokio_postgres::Client;

fn main() -> ExitCode {
    let all = [
        stock::all(),
        holds::all(),
        retries::all(),
        waits::all(),
        catalogue::all(),
        histories::all(),
        pairs::all(),
        months::all(),
        storm::all(),
    ];
    suite::run(Ok(all.into_iter().flatten().collect()))
}

/// What must hold at the end of every race.
async fn assert_sound(client: &Client) -> Result<()> {
    invariants::assert_hold(client).await
}
