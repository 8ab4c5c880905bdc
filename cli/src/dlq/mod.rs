//! `onhand dlq`: dead letters, listed, shown, sent again or dropped.

mod act;
mod print;
mod selection;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand, ValueEnum};
use onhand_cdc::KafkaConfig;
use onhand_consumers::letters::{self, Act, Wanted};
use tokio::task::block_in_place;

use crate::settings::SettingsFile;
use selection::Selection;

/// Arguments of `onhand dlq`.
#[derive(Debug, Args)]
pub(crate) struct Dlq {
    #[command(flatten)]
    settings: SettingsFile,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List dead letters, by default those that nothing was done about
    List {
        #[command(flatten)]
        selection: Selection,
        /// Which ones by what was done
        #[arg(long, value_enum, default_value_t = State::Open)]
        state: State,
        /// Most rows to print; all are counted
        #[arg(long, default_value_t = 100)]
        limit: u64,
        /// Rows for people, or one JSON object a line
        #[arg(long, value_enum, default_value_t = Output::Table)]
        output: Output,
    },
    /// Show all of some dead letters: headers, key and value
    Show {
        #[command(flatten)]
        selection: Selection,
        /// Which ones by what was done
        #[arg(long, value_enum, default_value_t = State::All)]
        state: State,
        /// Most letters to show
        #[arg(long, default_value_t = 10)]
        limit: u64,
        /// Text for people, or one JSON object a line
        #[arg(long, value_enum, default_value_t = Output::Table)]
        output: Output,
    },
    /// Send dead letters to where they came from, as they were, for the group that had given them up
    Redrive(Deed),
    /// Give dead letters up for good; they stay in their topic until its retention ends
    Drop(Deed),
}

/// What redrive and drop have in common.
#[derive(Debug, Args)]
struct Deed {
    #[command(flatten)]
    selection: Selection,
    /// All open letters; without it something must be selected
    #[arg(long)]
    all: bool,
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Most letters to act on
    #[arg(long)]
    limit: Option<u64>,
    /// Why, for the audit trail
    #[arg(long)]
    note: Option<String>,
    /// Who, for the audit trail
    #[arg(long, env = "USER", default_value = "unknown")]
    by: String,
    /// Text for people, or one JSON object
    #[arg(long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum State {
    Open,
    Redriven,
    Dropped,
    All,
}

impl From<State> for Wanted {
    fn from(state: State) -> Self {
        match state {
            State::Open => Self::Open,
            State::Redriven => Self::Redriven,
            State::Dropped => Self::Dropped,
            State::All => Self::All,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Table,
    Json,
}

impl Dlq {
    /// Carries the action out.
    pub(crate) async fn run(self) -> Result<()> {
        let settings = self.settings.load_near()?;
        let kafka = settings.kafka.clone();
        letters::ensure_state_topic(&kafka).await?;
        match self.action {
            Action::List {
                selection,
                state,
                limit,
                output,
            } => block_in_place(|| list(&kafka, selection, state, limit, output)),
            Action::Show {
                selection,
                state,
                limit,
                output,
            } => block_in_place(|| show(&kafka, selection, state, limit, output)),
            Action::Redrive(deed) => act::run(&settings, Act::Redrive, deed).await,
            Action::Drop(deed) => act::run(&settings, Act::Drop, deed).await,
        }
    }
}

fn list(kafka: &KafkaConfig, selection: Selection, state: State, limit: u64, output: Output) -> Result<()> {
    let filter = selection.filter(state.into())?;
    let closed = letters::read_closed(kafka).context("what was done cannot be read")?;
    let mut walk = letters::walk(kafka, &filter)?;
    let mut tally = print::Tally::default();
    while let Some(letter) = walk.next(&closed)? {
        if tally.total() < limit {
            match output {
                Output::Table => print::row(&letter, tally.total() == 0)?,
                Output::Json => print::object(&letter)?,
            }
        }
        tally.add(&letter);
    }
    match output {
        Output::Table => print::totals(&tally, limit),
        // What is not in the lines must not look as if it were not there.
        Output::Json if tally.total() > limit => {
            eprintln!("{} of {} letters shown, see --limit", limit, tally.total());
            Ok(())
        }
        Output::Json => Ok(()),
    }
}

fn show(kafka: &KafkaConfig, selection: Selection, state: State, limit: u64, output: Output) -> Result<()> {
    let filter = selection.filter(state.into())?;
    let closed = letters::read_closed(kafka).context("what was done cannot be read")?;
    let mut walk = letters::walk(kafka, &filter)?;
    let mut shown = 0;
    while let Some(letter) = walk.next(&closed)? {
        if shown >= limit {
            eprintln!("there are more than {limit} letters, see --limit");
            return Ok(());
        }
        shown += 1;
        match output {
            Output::Table => print::whole(&letter)?,
            Output::Json => print::whole_object(&letter)?,
        }
    }
    if shown == 0 {
        bail!("no dead letter is meant by that");
    }
    Ok(())
}
