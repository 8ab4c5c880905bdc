//! One suite for every sink: the same disturbances, and afterwards the sink's outcome equals the source.
//!
//! A sink is a [`subject::Subject`], a disturbance a function of `scenarios.rs`, and every sink gets each. Those that stop and stall
//! parts that the sinks share come one after the other. To add a sink, add a subject to [`subject::all`].
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, missing_docs)]

mod alerts;
mod ingest;
mod parts;
mod publish;
mod read_model;
mod scenarios;
mod subject;
mod world;

use anyhow::Context;
use futures_util::future::join_all;
use libtest_mimic::{Arguments, Failed, Trial};
use scenarios::Play;
use std::process::ExitCode;
use std::sync::Arc;
use subject::Subject;
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
    for (scenario, play) in scenarios::AT_ONCE {
        let runtime = Arc::clone(&runtime);
        trials.push(Trial::test(format!("{scenario}_of_every_sink"), move || {
            runtime.block_on(played(play, &subject::all())).map_err(failed)
        }));
    }
    for (scenario, play) in scenarios::IN_TURN {
        for subject in subject::all() {
            let runtime = Arc::clone(&runtime);
            trials.push(Trial::test(format!("{scenario}_{}", subject.name()), move || {
                runtime.block_on(played(play, &[subject])).map_err(failed)
            }));
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Plays a disturbance for these sinks at once.
async fn played(play: Play, subjects: &[Box<dyn Subject>]) -> anyhow::Result<()> {
    let world = World::from_env()?;
    for subject in subjects {
        subject.prepare(&world).await?;
    }
    let plays = subjects.iter().map(|subject| async {
        let played = play(&world, subject.as_ref()).await;
        played.with_context(|| format!("sink {}", subject.name()))
    });
    let played: Vec<anyhow::Result<()>> = join_all(plays).await;
    // Whatever happened, the next test finds the stack running.
    world.onhand(&["up"]).await?;
    played.into_iter().collect()
}

#[expect(clippy::needless_pass_by_value, reason = "as map_err gives it")]
fn failed(error: anyhow::Error) -> Failed {
    Failed::from(format!("{error:#}"))
}
