//! Random arguments for every function that there is: a call succeeds or is refused with a code of Onhand, whatever it is given.
//!
//! `ONHAND_FUZZ` is the number of calls, `ONHAND_FUZZ_SEED` the seed of the run. What is drawn hangs on the seed and the session alone,
//! not on what the database answers; only ids that the database made are filled in from the answers.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test says by panicking what is not as it must be"
)]

mod calls;
mod commands;
mod draw;
mod session;
mod world;

use anyhow::{Context, Result, ensure};
use calls::Functions;
use onhand_tests::database::Database;
use onhand_tests::suite::{self, test};
use onhand_tests::{invariants, inventory};
use session::{Session, Tally};
use std::process::ExitCode;
use std::sync::Arc;

/// How many calls are made unless `ONHAND_FUZZ` says otherwise.
const CALLS: u64 = 8_000;
/// Seed of the calls that every run of all tests makes: the same commit gives the same answer. Whoever asks for a number of calls gets new
/// ones.
const DEFAULT_SEED: u64 = 20_261_121;
const SESSIONS: u64 = 4;

fn main() -> ExitCode {
    suite::run(Ok(vec![test("every_call_succeeds_or_is_refused", every_call)]))
}

async fn every_call(database: Arc<Database>) -> Result<()> {
    let asked = number("ONHAND_FUZZ")?;
    let calls = asked.unwrap_or(CALLS);
    let seed = match number("ONHAND_FUZZ_SEED")? {
        Some(seed) => seed,
        None if asked.is_some() => u64::from(rand::random::<u32>()),
        None => DEFAULT_SEED,
    };
    println!("{calls} calls with ONHAND_FUZZ_SEED={seed}");
    let admin = database.client().await?;
    for sql in world::CATALOGUE {
        admin.batch_execute(sql).await.context(sql)?;
    }
    let functions = Arc::new(Functions::read(&admin).await?);
    let tally = Arc::new(Tally::default());
    let mut sessions = Vec::new();
    for number in 0..SESSIONS {
        let session = Session::new(database.client().await?, seed, number).await?;
        let (functions, tally) = (Arc::clone(&functions), Arc::clone(&tally));
        sessions.push(tokio::spawn(session.run(functions, tally, calls / SESSIONS)));
    }
    for session in sessions {
        session.await??;
    }
    println!("{}", tally.summary(functions.len()));
    let failures = tally.failures();
    ensure!(
        failures.is_empty(),
        "ONHAND_FUZZ_SEED={seed}: {} calls failed:\n{}",
        failures.len(),
        failures.join("\n")
    );
    assert_sound(&database)
        .await
        .with_context(|| format!("after ONHAND_FUZZ_SEED={seed} ONHAND_FUZZ={calls}"))
}

/// What must hold, whatever was called.
async fn assert_sound(database: &Database) -> Result<()> {
    let admin = database.client().await?;
    invariants::assert_hold(&admin).await?;
    for check in ["check_conservation", "check_ledger"] {
        let findings = admin
            .query(&format!("select f::text from api.{check}() as f limit 10"), &[])
            .await?;
        let findings: Vec<String> = findings.iter().map(|row| row.get(0)).collect();
        ensure!(findings.is_empty(), "api.{check}() finds:\n{}", findings.join("\n"));
    }
    inventory::assert_no_deadlock(database).await
}

fn number(variable: &str) -> Result<Option<u64>> {
    std::env::var(variable)
        .ok()
        .filter(|value| !value.is_empty())
        .map(|value| value.parse().with_context(|| format!("{variable} is no number")))
        .transpose()
}
