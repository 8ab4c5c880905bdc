//! Random histories, drawn from a seed, against a plain model of the inventory.
//!
//! Histories of one session are compared with the model answer by answer. Histories of several sessions run statement by
//! statement in an order that is drawn too, and are compared with the model in the order in which they were committed.
//! `./onhand test --histories N --seed S` runs N of each kind, the first with seed S. A history that fails says its seed, and comes
//! with the smallest history found that fails too.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test says by panicking what is not as it must be"
)]

mod draw;
mod ledger;
mod model;
mod order;
mod script;
mod send;
mod several;
mod single;
mod state;
mod world;

use anyhow::{Context, Result};
use onhand_tests::suite::{self, Body, test};
use std::process::ExitCode;

/// Histories of each kind, unless the environment says how many.
const SINGLE: u64 = 200;
const SEVERAL: u64 = 40;
/// First seed of the histories that every run of all tests plays: the same commit gives the same answer. Whoever asks for a number
/// of histories gets new ones.
const DEFAULT_SEED: u64 = 20_261_121;
/// Each group of histories has a database of its own; three groups run at once.
const GROUPS: u64 = 4;

fn main() -> ExitCode {
    suite::run(tests())
}

fn number(variable: &str) -> Result<Option<u64>> {
    match std::env::var(variable).ok().filter(|text| !text.is_empty()) {
        None => Ok(None),
        Some(text) => Ok(Some(text.parse().with_context(|| format!("{variable} is no number"))?)),
    }
}

fn tests() -> Result<Vec<(String, Body)>> {
    let count = number("ONHAND_HISTORIES")?;
    let first = match number("ONHAND_HISTORY_SEED")? {
        Some(seed) => seed,
        None if count.is_some() => u64::from(rand::random::<u32>()),
        None => DEFAULT_SEED,
    };
    let mut tests = Vec::new();
    for group in 0..GROUPS {
        let seeds = move |most: u64| -> Vec<u64> {
            (0..count.unwrap_or(most))
                .filter(|number| number % GROUPS == group)
                .map(|number| first + number)
                .collect()
        };
        let (single, several) = (seeds(SINGLE), seeds(SEVERAL));
        let name = group + 1;
        if !single.is_empty() {
            let body = move |database| draw::single(database, single);
            tests.push(test(&format!("f07_histories_of_one_session_{name}"), body));
        }
        if !several.is_empty() {
            let body = move |database| draw::several(database, several);
            tests.push(test(&format!("f07_histories_of_several_sessions_{name}"), body));
        }
    }
    Ok(tests)
}
