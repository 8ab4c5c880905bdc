//! `onhand verify`: Redis, Elasticsearch and the ledger against Postgres, once or for ever.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use onhand_consumers::verify::{Options, Report, Verifier};

use super::role;
use crate::settings::SettingsFile;

/// Something differs, and was not put right.
const DIFFERENT: u8 = 3;
/// A read model is behind, so not everything is known.
const BEHIND: u8 = 4;
/// Differences that the JSON form lists.
const LISTED: usize = 10_000;

const EXIT_CODES: &str = "\
Exit codes:
  0  everything is equal, or was put right
  1  the comparison could not be made
  2  wrong arguments
  3  something differs (with --repair: and could not be put right)
  4  a read model is behind, so that not every key is known; nothing that is known differs";

/// Arguments of `onhand verify`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_CODES)]
pub(super) struct Verify {
    /// Most seconds to wait for a read model that is behind
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(0..=3600))]
    wait: u64,
    /// Put right what differs, under the guard of the versions: nothing newer is overwritten
    #[arg(long)]
    repair: bool,
    /// How to print what was found
    #[arg(long, value_enum, default_value_t = Form::Text)]
    format: Form,
    /// Compare and repair at an interval until stopped; the section `verify` of the settings says how
    #[arg(long, conflicts_with_all = ["wait", "repair", "format"])]
    continuous: bool,
    #[command(flatten)]
    settings: SettingsFile,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    Text,
    Json,
}

impl Verify {
    /// Compares; the exit code says what was found.
    pub(super) async fn run(self) -> Result<ExitCode> {
        if self.continuous {
            role::verify(&self.settings).await?;
            return Ok(ExitCode::SUCCESS);
        }
        let settings = self.settings.load_near()?;
        let options = Options {
            wait: Duration::from_secs(self.wait),
            repair: self.repair,
            page_items: settings.verify.page_items,
            keep: if self.format == Form::Json { LISTED } else { 100 },
            ..Options::default()
        };
        let report = Verifier::new(&settings.targets())?.verify(&options).await?;
        match self.format {
            Form::Json => println!("{}", serde_json::to_string_pretty(&report)?),
            Form::Text => print(&report),
        }
        Ok(match (report.left(), report.is_complete()) {
            (0, true) => ExitCode::SUCCESS,
            (0, false) => ExitCode::from(BEHIND),
            _ => ExitCode::from(DIFFERENT),
        })
    }
}

fn print(report: &Report) {
    print!("{report}");
    if report.is_equal() {
        println!("equal: every key has the same values and versions everywhere, and the ledger adds up");
    } else if report.left() > 0 {
        println!("{} differences", report.left());
    } else if report.is_complete() {
        println!("equal now: all {} differences were put right", report.count());
    }
}
