//! How other inventories broke. Each scenario runs twice: on a small copy of the faulty pattern (`fNN.sql`), where its check must
//! find the fault, and on Onhand, where the same check must find nothing. A database per test.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test says by panicking what is not as it must be"
)]

mod alerts;
mod balances;
mod demand;
mod holds;
mod months;
mod play;

use onhand_tests::suite;
use std::process::ExitCode;

fn main() -> ExitCode {
    let all = [
        demand::all(),
        balances::all(),
        holds::all(),
        alerts::all(),
        months::all(),
    ];
    suite::run(Ok(all.into_iter().flatten().collect()))
}
