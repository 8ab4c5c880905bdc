//! Part f: what it costs to keep one summary for each item up to date, against refreshing a materialized view, as the history
//! grows, and for those who write meanwhile.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::time::MissedTickBehavior;
use tokio_postgres::{Client, Statement};

use super::super::figures::{Series, ratio};
use super::super::report::{Comparison, Contender, Goal, Part, Unit};
use super::contest::{self, Pace};
use super::growth::Grown;
use super::load::{Load, Rows, Write};
use super::server::{Database, Server};
use super::throughput::calls;

/// Movements between two folds that are timed.
const CHANGES: u64 = 1_000;
/// Folds that are timed in each round: one takes much less time than a turn.
const FOLDS: u16 = 2;
/// How often summaries are folded while others write.
const EVERY: Duration = Duration::from_millis(200);
/// Longest time until nothing is left to be folded.
const PATIENCE: Duration = Duration::from_secs(300);

const REFRESH: &str = "refresh materialized view concurrently inventory.mv_stock_summary";

/// Who folds the summaries of a database.
struct Folder {
    client: Client,
    fold: Statement,
}

/// What one fold did.
#[derive(Debug, Clone, Copy)]
struct Folded {
    movements: i64,
    caught_up: bool,
}

/// Times folds and refreshes after the same changes, then writers with and without folds.
pub(super) async fn run(server: &Server, [few, many]: [Grown<'_>; 2], pace: Pace) -> Result<Part> {
    let mut part = Part::new("f", "summaries by item");
    costs(server, &few, &many, (pace, &mut part)).await?;
    let tax = tax(server, many.database, pace).await?;
    part.contenders.extend(tax.contenders);
    part.comparisons.extend(tax.comparisons);
    Ok(part)
}

/// A fold with a short and with a long history, and a refresh, all after so many changes.
async fn costs(server: &Server, few: &Grown<'_>, many: &Grown<'_>, (pace, part): (Pace, &mut Part)) -> Result<()> {
    let (few_folder, many_folder) = (Folder::open(few.database).await?, Folder::open(many.database).await?);
    let (few_load, many_load) = (changes(few.database).await?, changes(many.database).await?);
    // Its first contents; from now on it is the changes that a refresh finds.
    many_folder
        .client
        .batch_execute("refresh materialized view inventory.mv_stock_summary; analyze inventory.mv_stock_summary")
        .await?;
    server.checkpoint().await?;
    let mut times = [const { Vec::new() }; 3];
    // The first round fills caches and plans and does not count.
    for turn in 0..=pace.rounds.saturating_mul(FOLDS) {
        server.spare_slots().await?;
        let few_fold = few_folder.fold_after(&few_load).await?;
        let many_fold = many_folder.fold_after(&many_load).await?;
        let since = Instant::now();
        many_folder.client.batch_execute(REFRESH).await?;
        let turn_times = [many_fold, since.elapsed(), few_fold];
        if turn > 0 {
            for (times, time) in times.iter_mut().zip(turn_times) {
                times.push(time.as_secs_f64() * 1_000.0);
            }
        }
    }
    let names = [
        format!("fold after {CHANGES} movements, {} before, ms", many.movements),
        format!("refresh concurrently after the same, {} before, ms", many.movements),
        format!("fold after {CHANGES} movements, {} before, ms", few.movements),
    ];
    for (name, times) in names.iter().zip(times) {
        part.contenders.push(Contender {
            name: name.clone(),
            unit: Unit::Latency,
            series: Series::new(times).context("there was no round")?,
        });
    }
    let [fold, refresh, fold_of_few] = names;
    let compared = |of: &str, against: &str| {
        let medians = part.median(of).zip(part.median(against));
        medians.and_then(|(of, against)| ratio(of, against))
    };
    let cheaper = compared(&refresh, &fold);
    let growth = compared(&fold, &fold_of_few);
    part.comparisons.extend([
        Comparison::with_goal("refresh / fold", cheaper, Goal::AtLeast(30.0)),
        Comparison::with_goal(
            format!("fold at {} movements / at {}", many.movements, few.movements),
            growth,
            Goal::AtMost(1.1),
        ),
    ]);
    Ok(())
}

/// Calls of 100 with nobody folding, and with somebody who does so all the time.
async fn tax(server: &Server, database: &Database, pace: Pace) -> Result<Part> {
    let folder = Folder::open(database).await?;
    let load = Load::open(calls(100, Rows::Spread), database, (Write::Calls(100), Rows::Spread), 2).await?;
    let names = [
        format!("{}, no folds, per second", load.name),
        format!("{}, a fold every {} ms, per second", load.name, EVERY.as_millis()),
    ];
    server.checkpoint().await?;
    load.run(pace.warm_up()).await?;
    let mut rounds = [const { Vec::new() }; 2];
    for _ in 0..pace.rounds {
        let [alone, folded] = &mut rounds;
        server.spare_slots().await?;
        folder.settle().await?;
        alone.push(load.run(pace.length).await?);
        folder.settle().await?;
        folded.push(tokio::select! {
            rate = load.run(pace.length) => rate?,
            stopped = folder.keep_folding() => return Err(stopped),
        });
    }
    let mut part = Part::new("f", "");
    for (name, rates) in names.iter().zip(rounds) {
        part.contenders.push(contest::contender(name, rates)?);
    }
    let [alone, folded] = names;
    let share = part
        .median(&folded)
        .zip(part.median(&alone))
        .and_then(|(folded, alone)| ratio(folded, alone));
    part.comparisons.push(Comparison::with_goal(
        "rate of writes with folds / without",
        share,
        Goal::AtLeast(0.95),
    ));
    Ok(part)
}

/// Who makes the changes that are folded.
async fn changes(database: &Database) -> Result<Load> {
    Load::open("changes", database, (Write::Calls(100), Rows::Spread), 1).await
}

impl Folder {
    /// Connects; all summaries are made, and nothing is left to be folded.
    async fn open(database: &Database) -> Result<Self> {
        let client = database.session().await?;
        let fold = client
            .prepare("select movements, caught_up from api.fold_stock_summary()")
            .await?;
        let folder = Self { client, fold };
        folder.settle().await?;
        folder
            .client
            .batch_execute("vacuum (analyze) inventory.stock_summary")
            .await?;
        Ok(folder)
    }

    /// How long a fold takes that finds so many movements.
    async fn fold_after(&self, changes: &Load) -> Result<Duration> {
        changes.apply(CHANGES).await?;
        let since = Instant::now();
        let folded = self.fold().await?;
        let elapsed = since.elapsed();
        let all = folded.caught_up && folded.movements >= i64::try_from(CHANGES)?;
        ensure!(all, "a fold of {CHANGES} movements left some of them: {folded:?}");
        Ok(elapsed)
    }

    /// Folds until nothing is left.
    async fn settle(&self) -> Result<()> {
        let since = Instant::now();
        while !self.fold().await?.caught_up {
            ensure!(since.elapsed() < PATIENCE, "folding does not come to an end");
        }
        Ok(())
    }

    /// Folds again and again, as a program does whose duty it is; ends only if that fails.
    async fn keep_folding(&self) -> anyhow::Error {
        let mut clock = tokio::time::interval(EVERY);
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            clock.tick().await;
            if let Err(error) = self.settle().await {
                return error;
            }
        }
    }

    async fn fold(&self) -> Result<Folded> {
        let row = self.client.query_opt(&self.fold, &[]).await?;
        let row = row.context("somebody else folds the summaries of the benchmark")?;
        Ok(Folded {
            movements: row.try_get(0)?,
            caught_up: row.try_get(1)?,
        })
    }
}
