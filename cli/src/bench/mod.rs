//! `onhand bench`: how fast the product is, as ratios against peers that are measured in the same run.

mod engine;
mod figures;
mod machine;
mod pipeline;
mod report;

use std::fmt::Display;
use std::io::Write;

use anyhow::{Result, anyhow};
use tokio::signal::unix::{SignalKind, signal};

use engine::Engine;
use pipeline::Pipeline;

/// What can be measured.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Bench {
    /// Postgres and the SQL functions alone: throughput against one-command calls and a hand-written peer, growth, summaries, reads
    Engine(Engine),
    /// From commit to read model on the running stack: latency, lag, kills, draining of a backlog, decoding, memory, a peer in Python
    Pipeline(Pipeline),
}

impl Bench {
    /// Measures; a goal that is missed is said and is no failure.
    pub(crate) async fn run(self) -> Result<()> {
        match self {
            Self::Engine(engine) => engine.run().await,
            Self::Pipeline(pipeline) => pipeline.run().await,
        }
    }
}

/// Ends when somebody wants the run to end; then the run still cleans up.
async fn stopped() -> anyhow::Error {
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return anyhow!("the signals of this process cannot be watched");
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
    anyhow!("interrupted; what the benchmark made is removed")
}

/// A line of the result. Unlike `println!` it does not mind a reader who has stopped reading: the run goes on to where it
/// cleans up.
fn say(line: impl Display) {
    let _closed = writeln!(std::io::stdout(), "{line}");
}

/// A line for whoever waits.
fn progress(line: impl Display) {
    let _closed = writeln!(std::io::stderr(), "bench: {line}");
}
