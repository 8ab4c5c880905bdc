//! `onhand demo`: shows on a running stack what the product does and how fast.
//!
//! A made-up catalogue is loaded, carts come and go over HTTP, single writes are followed hop by hop, and at the end every
//! key of Redis and Elasticsearch is compared with Postgres.

mod goods;
mod latency;
mod load;
pub(crate) mod popularity;
mod progress;
mod stock;
mod trace;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use onhand_consumers::verify::{Options, Verifier};
use onhand_db::Pool;

use crate::settings::{Settings, SettingsFile};
use load::Load;
use trace::Trace;

/// Arguments of `onhand demo`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Demo {
    /// Items of the catalogue
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    items: u32,
    /// Locations, each with every item
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=99))]
    locations: u16,
    /// Length of the load over HTTP, in seconds; 0 leaves it out
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(0..=3600))]
    seconds: u16,
    /// Requests per second of the load
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    rate: u32,
    /// Writes that are followed hop by hop; 0 leaves it out
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    samples: u32,
    /// Followed writes per second
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    sample_rate: u32,
    /// How long to wait for the read models, in seconds
    #[arg(long, default_value_t = 180)]
    patience: u64,
    /// Base of the HTTP interface [default: that of the local stack]
    #[arg(long, env = "ONHAND_API_URL")]
    api: Option<String>,
    #[command(flatten)]
    settings: SettingsFile,
}

impl Demo {
    /// Runs the demonstration; fails if a read model is not equal at the end.
    pub(crate) async fn run(self) -> Result<()> {
        let settings = self.settings.load_near()?;
        let api = match &self.api {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => crate::stack::local_api_url()?,
        };
        let pool = Pool::new(&settings.database).map_err(anyhow::Error::msg)?;
        ready(&api).await?;

        println!("catalogue");
        let stock = stock::load(&pool, usize::try_from(self.items)?, usize::from(self.locations)).await?;
        if stock.made > 0 {
            println!(
                "  {} levels are new; waiting until Redis and Elasticsearch have them",
                stock.made
            );
            self.equal(&settings).await?;
        }
        if self.seconds > 0 {
            println!("load over HTTP, {} s at {}/s", self.seconds, self.rate);
            load::drive(
                &api,
                &stock,
                Load {
                    seconds: self.seconds,
                    per_second: self.rate,
                },
            )
            .await?;
        }
        if self.samples > 0 {
            println!("single writes, {}/s", self.sample_rate);
            let trace = Trace {
                samples: self.samples,
                per_second: self.sample_rate,
            };
            trace::follow(&settings, &pool, &stock, trace).await?;
        }
        println!("comparison of every key");
        self.equal(&settings).await?;
        println!("Postgres, its ledger, Redis and Elasticsearch are equal");
        Ok(())
    }

    /// Waits, for a bounded time, until everything is equal, and prints what was compared.
    async fn equal(&self, settings: &Settings) -> Result<()> {
        let since = Instant::now();
        let options = Options {
            wait: Duration::from_secs(self.patience),
            ..Options::default()
        };
        let report = Verifier::new(&settings.targets())?.verify(&options).await?;
        for line in report.to_string().lines() {
            println!("  {line}");
        }
        println!("  ({:.1} s)", since.elapsed().as_secs_f32());
        if !report.is_equal() {
            bail!(
                "{} differences, or read models behind, after {} s",
                report.count(),
                self.patience
            );
        }
        Ok(())
    }
}

/// Fails with a hint unless the stack is up.
async fn ready(api: &str) -> Result<()> {
    let http = reqwest::Client::builder().timeout(Duration::from_secs(5)).build()?;
    let hint = || format!("the api at {api} is not ready; start the stack with `onhand up`");
    let answer = http.get(format!("{api}/ready")).send().await.with_context(hint)?;
    if !answer.status().is_success() {
        bail!(
            "{} ({}: {})",
            hint(),
            answer.status(),
            answer.text().await.unwrap_or_default()
        );
    }
    Ok(())
}
