//! The command line: one variant per subcommand, each carried out in a module of its own.

mod connect;
mod migrate;
mod read_models;
mod role;
mod verify;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use onhand_consumers::SinkKind;

use crate::bench::Bench;
use crate::capture::Recover;
use crate::demo::Demo;
use crate::dlq::Dlq;
use crate::import::Import;
use crate::settings::SettingsFile;
use crate::stack;

/// Onhand: inventory system of record.
#[derive(Debug, Parser)]
#[command(name = "onhand", version, about, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the local stack, or what is missing of it
    Up {
        /// Only these parts and what they need
        parts: Vec<String>,
        /// Also Prometheus, with the alerts on the product's metrics, and Alertmanager
        #[arg(long)]
        observe: bool,
    },
    /// Stop the local stack; the data stay
    Down {
        /// Only these parts
        parts: Vec<String>,
    },
    /// Show what runs where; fails if something does not
    Status,
    /// Show the log of a part of the local stack
    Logs {
        /// Name of the part, as in `onhand status`
        part: String,
        /// How many lines
        #[arg(short = 'n', long, default_value_t = 50)]
        lines: usize,
        /// Go on showing what is added
        #[arg(short, long)]
        follow: bool,
    },
    /// Look for what is wrong with the local stack, and say how to mend it
    Doctor,
    /// Print addresses and passwords of the local stack for a shell: eval "$(./onhand env)"
    Env,
    /// Bring a database to this release: migrations, functions, logins, replication slot
    Migrate(migrate::Migrate),
    /// Serve the HTTP interface
    Api {
        #[command(flatten)]
        settings: SettingsFile,
    },
    /// Keep a read model up to date
    Consume {
        /// cache, search, alerts, publish or ingest
        sink: SinkKind,
        #[command(flatten)]
        settings: SettingsFile,
    },
    /// Manage the connector that streams the changes
    Connect(connect::Connect),
    /// After Postgres was restored from a backup: make everything behind it equal to it again
    Recover(Recover),
    /// Find dead letters, send them again after the fix, or drop them
    Dlq(Box<Dlq>),
    /// Replay a file of real order lines through the public write path
    Import(Box<Import>),
    /// Compare Redis, Elasticsearch and the ledger with Postgres, and repair what differs
    Verify(verify::Verify),
    /// Make the search indexes anew
    Search(read_models::Search),
    /// Make the cache anew
    Cache(read_models::Cache),
    /// Show on the running stack what it does and how fast, and that all read models are equal
    Demo(Box<Demo>),
    /// Measure how fast it is, as ratios against peers in the same run
    #[command(subcommand)]
    Bench(Box<Bench>),
}

impl Cli {
    /// Does what the command line says.
    pub(crate) async fn run(self) -> Result<ExitCode> {
        match self.command {
            Command::Verify(command) => command.run().await,
            command => command.run().await.map(|()| ExitCode::SUCCESS),
        }
    }
}

impl Command {
    async fn run(self) -> Result<()> {
        match self {
            Command::Up { parts, observe } => stack::up(&parts, observe).await,
            Command::Down { parts } => stack::down(&parts).await,
            Command::Status => stack::status().await,
            Command::Logs { part, lines, follow } => stack::logs(&part, lines, follow).await,
            Command::Doctor => stack::doctor().await,
            Command::Env => stack::env(),
            Command::Migrate(command) => command.run().await,
            Command::Api { settings } => role::api(&settings).await,
            Command::Consume { sink, settings } => role::consume(sink, &settings).await,
            Command::Connect(command) => command.run().await,
            Command::Recover(command) => command.run().await,
            Command::Dlq(command) => command.run().await,
            Command::Import(command) => command.run().await,
            Command::Verify(command) => command.run().await.map(drop),
            Command::Search(command) => command.run().await,
            Command::Cache(command) => command.run().await,
            Command::Demo(command) => command.run().await,
            Command::Bench(command) => command.run().await,
        }
    }
}
