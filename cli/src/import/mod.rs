//! `onhand import`: replays a file of order lines through the public write path.
//!
//! Two passes over the file. The first learns items, names and demand; the second replays the orders, and the receipts
//! that a stated rule makes up (see [`supply`]), in order of time. Each batch of invoices is one transaction: reservations,
//! confirmations, returns, adjustments, and a mark that says how far the import has come. So a run that broke off goes
//! on where it was, and a second run changes nothing.

mod attempt;
mod catalogue;
mod feed;
mod fields;
mod header;
mod history;
mod input;
mod invoice;
mod levels;
mod mark;
mod pace;
mod record;
mod report;
mod rules;
mod run;
mod sorted;
mod summary;
mod supply;
mod writer;

use std::path::PathBuf;

use anyhow::Result;

use crate::settings::SettingsFile;
use mark::OnShort;
use pace::Speed;

/// Arguments of `onhand import`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Import {
    /// File of order lines: .csv or .csv.gz with the columns `InvoiceNo`, `StockCode`, `Description`, `Quantity`,
    /// `InvoiceDate`, `UnitPrice`
    file: PathBuf,
    /// How fast: max, or a multiple of real time such as 1000
    #[arg(long, default_value = "max")]
    speed: Speed,
    /// Location that the orders are served from; made if it is missing
    #[arg(long, default_value = "UK-DC", value_parser = location_id)]
    location: String,
    /// Demand that an item opens with, in days
    #[arg(long, default_value_t = 14, value_parser = clap::value_parser!(u16).range(0..=3650))]
    days_of_stock: u16,
    /// What an invoice becomes of which not everything is there
    #[arg(long, value_enum, default_value_t = OnShort::Partial)]
    on_short: OnShort,
    /// Where to write which lines were not imported, and why [default: <name of the file>.import-report.csv]
    #[arg(long)]
    report: Option<PathBuf>,
    /// Invoices in one transaction
    #[arg(long, default_value_t = 150, value_parser = clap::value_parser!(u16).range(1..=400))]
    batch: u16,
    /// Read only so many lines; another run goes on from there
    #[arg(long)]
    limit: Option<u64>,
    #[command(flatten)]
    settings: SettingsFile,
}

/// The rule of the database, checked before the file is read.
fn location_id(text: &str) -> Result<String, String> {
    let starts = text.starts_with(|first: char| first.is_ascii_alphanumeric());
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.' | '-');
    if starts && text.len() <= 64 && text.chars().all(plain) {
        return Ok(text.to_owned());
    }
    Err("must be 1 to 64 letters, digits, dots, dashes or underscores, and begin with a letter or digit".to_owned())
}

impl Import {
    /// Imports the file.
    pub(crate) async fn run(self) -> Result<()> {
        run::run(&self).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_has_an_id_that_the_database_takes() {
        assert_eq!(location_id("UK-DC").as_deref(), Ok("UK-DC"));
        for text in ["", "a b", "-x", "é", &"x".repeat(65)] {
            assert!(location_id(text).is_err(), "{text}");
        }
    }
}
