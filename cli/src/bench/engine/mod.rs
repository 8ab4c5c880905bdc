//! `onhand bench engine`: Postgres and the SQL functions alone.
//!
//! The benchmark makes a database of its own in a server and drops it at the end. Contenders take turns in one run, and what
//! counts is the ratio of their medians: figures of different runs, or of different machines, say nothing about each other.

mod contest;
mod fill;
mod growth;
mod load;
mod reads;
mod server;
mod summary;
mod throughput;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::ValueEnum;
use serde::Serialize;

use super::report::{self, Part, Report};
use super::{machine, progress, say, stopped};
use contest::Pace;
use fill::History;
use growth::Grown;
use load::Rows;
use server::{Database, Server};

/// Movements in the ledger of parts a to d, and in the short one of part e.
const FEW: u32 = 10_000;
/// Movements in the two ledgers of part f.
const SUMMARY: [u32; 2] = [100_000, 2_000_000];

/// A part of the benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
enum Letter {
    /// The one-command function on spread rows
    A,
    /// The one-command function on one row
    B,
    /// Calls of 10, 100 and 500 commands
    C,
    /// A hand-written peer: row lock, update, two inserts
    D,
    /// The same commands with a short and a long ledger
    E,
    /// Folding summaries, against refreshing them
    F,
    /// Reads, now and in the past
    G,
}

/// Parts in the order of their letters.
type Letters = BTreeSet<Letter>;

/// Measures in a database of its own, which it drops at the end. Nothing else should run on the machine meanwhile;
/// `onhand up postgres` starts what is needed.
#[derive(Debug, clap::Args)]
pub(crate) struct Engine {
    /// Shorter turns and a shorter history: some three minutes instead of a quarter of an hour
    #[arg(long)]
    quick: bool,
    /// Only these parts, for example a,c
    #[arg(long = "part", value_enum, value_delimiter = ',')]
    parts: Vec<Letter>,
    /// Movements in the long ledger [default: 10000000, with --quick 1000000]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1_000..=100_000_000))]
    movements: Option<u32>,
    /// Length of a turn in seconds [default: 5, with --quick 2]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=600))]
    seconds: Option<u16>,
    /// Turns of each contender [default: 3, with --quick 2]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=100))]
    runs: Option<u16>,
    /// Superuser connection to a server of your own [default: that of the local stack]
    #[arg(long, value_name = "URL", env = "ONHAND_BENCH_DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
}

/// How it was asked for, with all defaults filled in.
#[derive(Debug, Serialize)]
struct Settings {
    parts: Letters,
    #[serde(flatten)]
    history: History,
    seconds: u16,
    rounds: u16,
    levels: u32,
}

impl Engine {
    /// Measures and prints; the last line is one JSON object.
    pub(super) async fn run(self) -> Result<()> {
        let settings = self.settings();
        let server = Server::open(self.database_url.as_deref()).await?;
        let version = server.check().await?;
        let (cores, load_before) = (machine::cores(), machine::load());
        say(format_args!(
            "onhand {} on Postgres {version}, durable; {cores} cores",
            env!("CARGO_PKG_VERSION")
        ));
        say(format_args!("load average before: {}", machine::shown(load_before)));
        if machine::is_busy(load_before, cores) {
            say("others keep this machine busy: a contender with one client gets less of it than one with 16");
        }
        say(format_args!(
            "turns of each contender: {} of {} s; medians count\n",
            settings.rounds, settings.seconds
        ));
        let measured = tokio::select! {
            biased;
            stopped = stopped() => Err(stopped),
            measured = measure(&server, &settings) => measured,
        };
        let cleared = server
            .clear()
            .await
            .context("the databases of the benchmark were not all dropped");
        let parts = measured?;
        cleared?;
        let load_after = machine::load();
        let (goals, reached) = report::goals(&parts);
        say(format_args!("load average after: {}", machine::shown(load_after)));
        say(format_args!("{reached} of {goals} goals reached"));
        let report = Report {
            benchmark: "engine",
            version: env!("CARGO_PKG_VERSION"),
            settings,
            server: version,
            build: machine::build(),
            cores,
            load_before,
            load_after,
            parts,
            reached: goals == reached,
        };
        say(serde_json::to_string(&report)?);
        Ok(())
    }

    fn settings(&self) -> Settings {
        let (movements, months, seconds, rounds) = if self.quick {
            (1_000_000, 3, 2, 2)
        } else {
            (10_000_000, 12, 5, 3)
        };
        Settings {
            parts: match self.parts.as_slice() {
                [] => Letter::value_variants().iter().copied().collect(),
                some => some.iter().copied().collect(),
            },
            history: History {
                movements: self.movements.unwrap_or(movements),
                months,
            },
            seconds: self.seconds.unwrap_or(seconds),
            rounds: self.runs.unwrap_or(rounds),
            levels: fill::LEVELS,
        }
    }
}

impl Settings {
    fn pace(&self) -> Pace {
        Pace {
            rounds: self.rounds,
            length: Duration::from_secs(u64::from(self.seconds)),
        }
    }

    /// The same months with so many movements, at most.
    fn at_most(&self, movements: u32) -> History {
        History {
            movements: movements.min(self.history.movements),
            ..self.history
        }
    }

    fn any(&self, letters: &[Letter]) -> bool {
        letters.iter().any(|letter| self.parts.contains(letter))
    }
}

/// Goes through the parts. Each is printed as soon as it is there.
async fn measure(server: &Server, settings: &Settings) -> Result<Vec<Part>> {
    use Letter::{A, B, C, D, E, F, G};
    let template = server.claim().await?;
    fill::catalogue(&template).await?;
    let mut run = Run {
        server,
        settings,
        template,
        short: None,
        parts: Vec::new(),
    };
    if settings.any(&[A, B, C, D]) {
        run.throughput().await?;
    }
    if settings.any(&[E, G]) {
        run.growth_and_reads().await?;
    }
    if settings.any(&[F]) {
        run.summary().await?;
    }
    Ok(run.parts)
}

/// A run under way.
struct Run<'a> {
    server: &'a Server,
    settings: &'a Settings,
    /// Schema and catalogue; every other database begins as a copy of it.
    template: Database,
    /// The short history, once it was needed; nothing is measured in it but in copies.
    short: Option<Database>,
    parts: Vec<Part>,
}

impl Run<'_> {
    async fn throughput(&mut self) -> Result<()> {
        use Letter::{A, B, C, D};
        let (server, settings) = (self.server, self.settings);
        let few = self.short("few").await?;
        if settings.any(&[D]) {
            fill::peer(&few).await?;
        }
        for (rows, letters) in [(Rows::Spread, [A, C, D]), (Rows::Hot, [B, C, D])] {
            if settings.any(&letters) {
                self.note(throughput::run(server, &few, (rows, &settings.parts), settings.pace()).await?);
            }
        }
        server.remove(few).await
    }

    /// Both want the long history; nothing of what growth adds to it is in the months that are read.
    async fn growth_and_reads(&mut self) -> Result<()> {
        let (server, settings) = (self.server, self.settings);
        let many = self.filled("many", settings.history).await?;
        if settings.any(&[Letter::E]) {
            let few = self.short("few").await?;
            let grown = Grown::both((&few, settings.at_most(FEW)), (&many, settings.history));
            self.note(growth::run(server, grown, settings.pace()).await?);
            server.remove(few).await?;
        }
        if settings.any(&[Letter::G]) {
            self.note(reads::run(server, &many, settings.history, settings.pace()).await?);
        }
        server.remove(many).await
    }

    async fn summary(&mut self) -> Result<()> {
        let (server, settings) = (self.server, self.settings);
        let [few, many] = SUMMARY.map(|movements| settings.at_most(movements));
        let few_database = self.filled("few", few).await?;
        let many_database = self.filled("many", many).await?;
        let grown = Grown::both((&few_database, few), (&many_database, many));
        self.note(summary::run(server, grown, settings.pace()).await?);
        server.remove(few_database).await?;
        server.remove(many_database).await
    }

    /// A database of its own with the short history.
    async fn short(&mut self, name: &str) -> Result<Database> {
        let filled = match self.short.take() {
            Some(filled) => filled,
            None => self.filled("short", self.settings.at_most(FEW)).await?,
        };
        let copy = self.server.copy(&filled, name).await?;
        self.short = Some(filled);
        Ok(copy)
    }

    /// A database of its own with such a history.
    async fn filled(&self, name: &str, history: History) -> Result<Database> {
        let since = Instant::now();
        let database = self.server.copy(&self.template, name).await?;
        fill::history(self.server, &database, history).await?;
        progress(format_args!(
            "filled a database with {} levels and {} movements in {:.1} s",
            fill::LEVELS,
            history.movements,
            since.elapsed().as_secs_f64()
        ));
        Ok(database)
    }

    fn note(&mut self, part: Part) {
        say(&part);
        self.parts.push(part);
    }
}

/// The letters, one after the other.
fn joined(letters: &Letters) -> String {
    let names: Vec<String> = letters
        .iter()
        .filter_map(|letter| letter.to_possible_value())
        .map(|value| value.get_name().to_owned())
        .collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Program {
        #[command(flatten)]
        engine: Engine,
    }

    fn settings(arguments: &[&str]) -> Settings {
        let words = ["x"].iter().chain(arguments);
        Program::try_parse_from(words).unwrap().engine.settings()
    }

    #[test]
    fn what_is_not_said_is_filled_in() {
        let full = settings(&[]);
        assert_eq!((full.history.movements, full.seconds, full.rounds), (10_000_000, 5, 3));
        assert_eq!(full.parts.len(), 7);
        let quick = settings(&["--quick", "--seconds", "1", "--part", "d,a"]);
        assert_eq!(
            (quick.history.movements, quick.seconds, quick.rounds),
            (1_000_000, 1, 2)
        );
        assert_eq!(joined(&quick.parts), "a, d");
        assert!(quick.any(&[Letter::D, Letter::F]) && !quick.any(&[Letter::F]));
    }

    #[test]
    fn nonsense_is_refused() {
        for arguments in [
            ["--part", "x"],
            ["--seconds", "0"],
            ["--runs", "0"],
            ["--movements", "5"],
        ] {
            assert!(
                Program::try_parse_from(["x"].iter().chain(&arguments)).is_err(),
                "{arguments:?}"
            );
        }
    }
}
