//! `onhand search` and `onhand cache`: read models made anew.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use onhand_consumers::StockCache;
use onhand_consumers::search::Rebuild;
use onhand_consumers::verify::{Options, Verifier};
use tokio::time::Instant;

use crate::settings::SettingsFile;

/// Between two looks at a cache that is being filled.
const PAUSE: Duration = Duration::from_millis(200);

/// Arguments of `onhand search`.
#[derive(Debug, clap::Args)]
pub(super) struct Search {
    #[command(subcommand)]
    action: SearchAction,
    #[command(flatten)]
    settings: SettingsFile,
}

#[derive(Debug, clap::Subcommand)]
enum SearchAction {
    /// Build all indexes anew beside the live ones, and swap; readers notice nothing
    Rebuild {
        /// Only remove what an interrupted rebuild left
        #[arg(long)]
        abort: bool,
    },
}

impl Search {
    pub(super) async fn run(self) -> Result<()> {
        let settings = self.settings.load_near()?;
        let rebuild = Rebuild::new(&settings.elasticsearch, &settings.database)?;
        let SearchAction::Rebuild { abort } = self.action;
        if abort {
            for index in rebuild.abort().await? {
                println!("removed {index}");
            }
            return Ok(());
        }
        let rebuilt = rebuild.run(&|step: &str| println!("{step}")).await?;
        println!(
            "{} documents, {} deleted rows remembered, {} old indexes removed",
            rebuilt.documents.iter().map(|(_, count)| count).sum::<usize>(),
            rebuilt.tombstones,
            rebuilt.removed.len()
        );
        Ok(())
    }
}

/// Arguments of `onhand cache`.
#[derive(Debug, clap::Args)]
pub(super) struct Cache {
    #[command(subcommand)]
    action: CacheAction,
    #[command(flatten)]
    settings: SettingsFile,
}

#[derive(Debug, clap::Subcommand)]
enum CacheAction {
    /// Fill the cache from Postgres again, in place, and remove what Postgres does not have; readers notice nothing
    Reload {
        /// Most seconds that the consumer may take
        #[arg(long, default_value_t = 600)]
        wait: u64,
    },
}

impl Cache {
    pub(super) async fn run(self) -> Result<()> {
        let settings = self.settings.load_near()?;
        let CacheAction::Reload { wait } = self.action;
        let deadline = Instant::now() + Duration::from_secs(wait);
        let cache = StockCache::new(&settings.redis)?;
        cache.forget_warmth().await.context("the cache could not be told")?;
        while !cache.is_warm().await? {
            if Instant::now() >= deadline {
                bail!("the cache consumer did not fill the cache within {wait} s; is it running?");
            }
            tokio::time::sleep(PAUSE).await;
        }
        println!("filled from postgres");
        let mut targets = settings.targets();
        targets.elasticsearch = None;
        let options = Options {
            repair: true,
            wait: deadline.saturating_duration_since(Instant::now()),
            ..Options::default()
        };
        let report = Verifier::new(&targets)?.verify(&options).await?;
        print!("{report}");
        if report.left() > 0 {
            bail!("{} differences are left", report.left());
        }
        Ok(())
    }
}
