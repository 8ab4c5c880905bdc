//! `onhand verify`: Redis, Elasticsearch and the ledger against Postgres, key by key.

use std::time::Duration;

use anyhow::{Result, bail};
use onhand_consumers::compare::{self, Targets};

use crate::settings::SettingsFile;

/// Arguments of `onhand verify`.
#[derive(Debug, clap::Args)]
pub(super) struct Verify {
    /// Seconds that what is on its way may take to arrive before it counts as a difference
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(0..=3600))]
    wait: u64,
    #[command(flatten)]
    settings: SettingsFile,
}

impl Verify {
    /// Compares once; fails if something differs.
    pub(super) async fn run(self) -> Result<()> {
        let settings = self.settings.load_near()?;
        let targets = Targets {
            database: settings.database,
            redis: Some(settings.redis),
            elasticsearch: Some(settings.elasticsearch),
        };
        let report = compare::run(&targets, Duration::from_secs(self.wait)).await?;
        print!("{report}");
        if !report.is_equal() {
            bail!("{} differences", report.differences());
        }
        println!("equal: every key has the same values and versions everywhere, and the ledger adds up");
        Ok(())
    }
}
