//! `onhand bench pipeline`: from commit to read model, on a stack that runs.
//!
//! Everything that is written is the benchmark's own: topics, groups, keys, indexes and items under names of their own, removed
//! or archived at the end. What the product publishes about these items stays, like their movements. Contenders take turns in one run (A B B A), and what counts is the ratio of their medians.

mod backlog;
mod bare;
mod canary;
mod check;
mod compare;
mod decode;
mod drain;
mod flow;
mod follow;
mod goods;
mod inbound;
mod kafka;
mod latency;
mod memory;
mod peer;
mod process;
mod recovery;
mod running;
mod shop;
mod site;
mod template;
mod up;
mod warm;

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::ValueEnum;
use onhand_db::Pool;
use serde::Serialize;

use super::report::{self, Part, Report};
use super::{machine, say, stopped};
use crate::settings::SettingsFile;
use backlog::Backlog;
use drain::Store;
use goods::Goods;
use memory::Flows;
use shop::Shop;
use site::Site;
use template::Template;

/// A part of the benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    /// From COMMIT to Redis at 100, 1,000 and 3,000 events/s, against a bare consumer
    Latency,
    /// The highest of these rates for minutes, as a shop would send it: latency, and how far every consumer falls behind
    Endurance,
    /// Each part of the local stack killed under load, until a write arrives again, and whether all models are equal then
    Recovery,
    /// Decoding a record, against the way over generic values
    Decode,
    /// A backlog into Redis and into Elasticsearch, against bare clients
    Drain,
    /// Memory of each consumer, idle and with a backlog; starts ingest, publish and alerts of the local stack anew
    Memory,
    /// Events per second of processor time, against a consumer in Python
    Peer,
}

/// Measures on the stack that runs (`onhand up`), with topics, keys, indexes and items of its own. Nothing else should run on
/// the machine meanwhile.
#[derive(Debug, clap::Args)]
pub(crate) struct Pipeline {
    /// A small backlog and shorter turns: some minutes instead of an hour or more
    #[arg(long)]
    quick: bool,
    /// Only these parts, for example latency,drain
    #[arg(long = "part", value_enum, value_delimiter = ',')]
    parts: Vec<Kind>,
    /// Change events of the backlog [default: 1000000, with --quick 50000]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1_000..=50_000_000))]
    events: Option<u32>,
    /// Turns of each contender [default: 3, with --quick 2]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=100))]
    rounds: Option<u16>,
    /// Length of a turn of each rate of part latency, in seconds [default: 10, with --quick 3]; part endurance takes 30 times as
    /// long, with --quick 5 times
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=600))]
    seconds: Option<u16>,
    #[command(flatten)]
    settings: SettingsFile,
}

/// How it was asked for, with all defaults filled in.
#[derive(Debug, Serialize)]
struct Asked {
    parts: BTreeSet<Kind>,
    events: u32,
    rounds: u16,
    seconds: u16,
    endurance_seconds: u32,
}

impl Pipeline {
    /// Measures and prints; the last line is one JSON object.
    pub(super) async fn run(self) -> Result<()> {
        let asked = self.asked();
        let site = Site::open(&self.settings).await?;
        let pool = Pool::new(&site.settings.database).map_err(anyhow::Error::msg)?;
        let server = server_version(&pool).await?;
        let (cores, load_before) = (machine::cores(), machine::load());
        announce(&asked, &server, (cores, load_before));
        let measured = tokio::select! {
            biased;
            stopped = stopped() => Err(stopped),
            measured = measure(&site, &pool, &asked) => measured,
        };
        let cleared = clean_up(&site, &pool).await;
        let parts = measured?;
        cleared.context("not everything that the benchmark made was removed; its next run removes it")?;
        let load_after = machine::load();
        let (goals, reached) = report::goals(&parts);
        say(format_args!("load average after: {}", machine::shown(load_after)));
        say(format_args!("{reached} of {goals} goals reached"));
        let report = Report {
            benchmark: "pipeline",
            version: env!("CARGO_PKG_VERSION"),
            settings: asked,
            server,
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

    fn asked(&self) -> Asked {
        let (events, rounds, seconds) = if self.quick { (50_000, 2, 3) } else { (1_000_000, 3, 10) };
        let seconds = self.seconds.unwrap_or(seconds);
        Asked {
            parts: match self.parts.as_slice() {
                [] => Kind::value_variants().iter().copied().collect(),
                some => some.iter().copied().collect(),
            },
            events: self.events.unwrap_or(events),
            rounds: self.rounds.unwrap_or(rounds),
            seconds,
            endurance_seconds: u32::from(seconds) * if self.quick { 5 } else { 30 },
        }
    }
}

fn announce(asked: &Asked, server: &str, (cores, load): (usize, Option<[f64; 3]>)) {
    say(format_args!(
        "onhand {} ({} build) on Postgres {server}; {cores} cores",
        env!("CARGO_PKG_VERSION"),
        machine::build()
    ));
    if cfg!(debug_assertions) {
        say("this build is not optimised as a release is: its figures say nothing about the product");
    }
    say(format_args!("load average before: {}", machine::shown(load)));
    if machine::is_busy(load, cores) {
        say("others keep this machine busy: everything is slower than it would be alone, and latencies most of all");
    }
    say(format_args!(
        "a backlog of {} events, {} turns of each contender; medians count\n",
        asked.events, asked.rounds
    ));
}

async fn server_version(pool: &Pool) -> Result<String> {
    let client = pool
        .get()
        .await
        .context("Postgres cannot be reached; `onhand up` starts the local stack")?;
    let row = client
        .query_one("select current_setting('server_version')", &[])
        .await?;
    Ok(row.try_get(0)?)
}

/// Both are tried, whatever becomes of the other.
async fn clean_up(site: &Site, pool: &Pool) -> Result<()> {
    let closed = goods::close(pool).await;
    let cleared = site.clear().await;
    closed.and(cleared)
}

/// Whose turn it is, for so many rounds: A B B A A B ... so that a drift of the machine falls on both alike.
fn turns(rounds: u16) -> impl Iterator<Item = bool> {
    (0..rounds).flat_map(|round| [round % 2 == 0, round % 2 == 1])
}

/// Goes through the parts. Each is printed as soon as it is there.
async fn measure(site: &Site, pool: &Pool, asked: &Asked) -> Result<Vec<Part>> {
    let goods = Goods::open(pool).await?;
    let template = goods::template(site, pool, &goods).await?;
    let mut run = Run {
        site,
        asked,
        parts: Vec::new(),
    };
    if asked.parts.iter().any(|kind| *kind <= Kind::Recovery) {
        warm::up(site, pool, &goods).await?;
    }
    if asked.parts.contains(&Kind::Latency) {
        let pace = (asked.rounds, Duration::from_secs(u64::from(asked.seconds)));
        run.note(latency::run(site, pool, &goods, pace).await?);
    }
    if asked.parts.contains(&Kind::Endurance) {
        let length = Duration::from_secs(u64::from(asked.endurance_seconds));
        let shop = shop(site, pool, &goods).await?;
        run.note(latency::endure(site, pool, &shop, length).await?);
    }
    if asked.parts.contains(&Kind::Recovery) {
        warm::calm(site, &goods).await?;
        run.note(recovery::run(site, pool, &goods, asked.rounds).await?);
    }
    if asked.parts.contains(&Kind::Decode) {
        run.note(decode::run(&template, asked.events, asked.rounds)?);
    }
    if asked.parts.iter().any(|kind| *kind > Kind::Decode) {
        run.with_backlog(template, pool, &goods).await?;
    }
    Ok(run.parts)
}

/// A shop that is stocked, once the stack is through with that.
async fn shop(site: &Site, pool: &Pool, goods: &Goods) -> Result<Shop> {
    let shop = Shop::open(pool).await?;
    warm::calm(site, goods).await?;
    Ok(shop)
}

/// A run under way.
struct Run<'a> {
    site: &'a Site,
    asked: &'a Asked,
    parts: Vec<Part>,
}

impl Run<'_> {
    async fn with_backlog(&mut self, template: Template, pool: &Pool, goods: &Goods) -> Result<()> {
        let (site, asked) = (self.site, self.asked);
        let backlog = Backlog::fill(site, template, asked.events).await?;
        let mut flows = Flows::new();
        if asked.parts.contains(&Kind::Drain) {
            for store in Store::ALL {
                let (part, seen) = drain::run(site, store, &backlog, asked.rounds).await?;
                flows.insert(store.sink().name(), seen);
                self.note(part);
            }
        }
        if asked.parts.contains(&Kind::Memory) {
            let settle = Duration::from_secs(u64::from(asked.seconds));
            let shop = shop(site, pool, goods).await?;
            self.note(memory::run(site, &shop, &backlog, &flows, (asked.rounds, settle)).await?);
        }
        if asked.parts.contains(&Kind::Peer) {
            self.note(peer::run(site, &backlog, asked.rounds).await?);
        }
        Ok(())
    }

    fn note(&mut self, part: Part) {
        say(&part);
        self.parts.push(part);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Program {
        #[command(flatten)]
        pipeline: Pipeline,
    }

    fn asked(arguments: &[&str]) -> Asked {
        let words = ["x"].iter().chain(arguments);
        Program::try_parse_from(words).unwrap().pipeline.asked()
    }

    #[test]
    fn what_is_not_said_is_filled_in() {
        let full = asked(&[]);
        assert_eq!((full.events, full.rounds, full.seconds), (1_000_000, 3, 10));
        assert_eq!((full.parts.len(), full.endurance_seconds), (7, 300));
        let quick = asked(&["--quick", "--rounds", "1", "--part", "memory,drain"]);
        assert_eq!((quick.events, quick.rounds, quick.seconds), (50_000, 1, 3));
        assert_eq!(quick.parts, BTreeSet::from([Kind::Drain, Kind::Memory]));
    }

    #[test]
    fn nonsense_is_refused() {
        for arguments in [
            ["--part", "x"],
            ["--rounds", "0"],
            ["--events", "5"],
            ["--seconds", "0"],
        ] {
            assert!(
                Program::try_parse_from(["x"].iter().chain(&arguments)).is_err(),
                "{arguments:?}"
            );
        }
    }

    #[test]
    fn nobody_is_always_first() {
        assert_eq!(turns(2).collect::<Vec<_>>(), [true, false, false, true]);
        assert_eq!(turns(3).filter(|ours| *ours).count(), 3);
    }
}
