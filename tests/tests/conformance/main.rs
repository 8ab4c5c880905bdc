//! One suite for every sink: the same disturbances, and afterwards the sink's outcome equals the source.
//!
//! A sink is a [`subject::Subject`], a disturbance a function of `scenarios.rs`; the tests are all pairs of the two, one after the other,
//! because they stop and stall parts that they share. To add a sink, add a subject to [`subject::all`].
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, missing_docs)]

mod alerts;
mod ingest;
mod publish;
mod read_model;
mod scenarios;
mod subject;
mod world;

use libtest_mimic::{Arguments, Failed, Trial};
use std::process::ExitCode;
use std::sync::Arc;
use world::World;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
    {
        Ok(runtime) => Arc::new(runtime),
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut trials = Vec::new();
    for (scenario, play) in scenarios::ALL {
        for subject in subject::all() {
            let runtime = Arc::clone(&runtime);
            trials.push(Trial::test(format!("{scenario}_{}", subject.name()), move || {
                runtime
                    .block_on(async {
                        let world = World::from_env()?;
                        subject.prepare(&world).await?;
                        let played = play(&world, subject.as_ref()).await;
                        // Whatever happened, the next test finds the stack running.
                        world.onhand(&["up"]).await?;
                        played
                    })
                    .map_err(|error: anyhow::Error| Failed::from(format!("{error:#}")))
            }));
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}
