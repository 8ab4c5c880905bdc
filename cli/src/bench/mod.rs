//! `onhand bench`: how fast the product is, as ratios against peers that are measured in the same run.

mod engine;
mod figures;
mod machine;
mod report;

use std::fmt::Display;
use std::io::Write;

use anyhow::Result;

use engine::Engine;

/// What can be measured.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Bench {
    /// Postgres and the SQL functions alone: throughput against one-command calls and a hand-written peer, growth, summaries, reads
    Engine(Engine),
}

impl Bench {
    /// Measures; a goal that is missed is said and is no failure.
    pub(crate) async fn run(self) -> Result<()> {
        match self {
            Self::Engine(engine) => engine.run().await,
        }
    }
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
