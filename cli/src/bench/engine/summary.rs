//! Part f: what it costs to keep one summary for each item up to date, against refreshing a materialized view, as the history
//! grows, and for those who write meanwhile.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
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
const FOLDS: u16 = 5;
/// The same of refreshes, with a fold each.
const REFRESHES: u16 = 2;
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
    growth(server, [&few, &many], (pace, &mut part)).await?;
    refresh(server, &many, (pace, &mut part)).await?;
    let tax = tax(server, many.database, pace).await?;
    part.contenders.extend(tax.contenders);
    part.comparisons.extend(tax.comparisons);
    Ok(part)
}

/// Folds with a short and with a long history, in turns. No refresh comes between: it makes the next fold in its database plan anew.
async fn growth(server: &Server, ledgers: [&Grown<'_>; 2], (pace, part): (Pace, &mut Part)) -> Result<()> {
    let [few, many] = ledgers;
    let sides = [
        (Folder::open(few.database).await?, changes(few.database).await?),
        (Folder::open(many.database).await?, changes(many.database).await?),
    ];
    server.checkpoint().await?;
    let mut times = [const { Vec::new() }; 2];
    // The first turn fills caches and plans and does not count.
    for turn in 0..=pace.rounds.saturating_mul(FOLDS) {
        for ((folder, load), times) in sides.iter().zip(&mut times) {
            let time = folder.fold_after(load).await?;
            if turn > 0 {
                times.push(milliseconds(time));
            }
        }
    }
    let names = [few, many].map(|grown| format!("fold of {CHANGES} changes, {grown}, ms"));
    let compared = compare(part, &names, times)?;
    part.comparisons.push(Comparison::with_goal(
        format!("fold with a {many} / with a {few}"),
        compared,
        Goal::AtMost(1.1),
    ));
    Ok(())
}

/// A fold and a refresh with the long history, each after as many changes.
async fn refresh(server: &Server, many: &Grown<'_>, (pace, part): (Pace, &mut Part)) -> Result<()> {
    let (folder, load) = (Folder::open(many.database).await?, changes(many.database).await?);
    // Its first contents; from now on it is the changes that a refresh finds.
    let contents = "refresh materialized view inventory.mv_stock_summary; analyze inventory.mv_stock_summary";
    folder.client.batch_execute(contents).await?;
    server.checkpoint().await?;
    let mut times = [const { Vec::new() }; 2];
    for turn in 0..=pace.rounds.saturating_mul(REFRESHES) {
        server.spare_slots().await?;
        let fold = folder.fold_after(&load).await?;
        let since = Instant::now();
        folder.client.batch_execute(REFRESH).await?;
        let turn_times = [fold, since.elapsed()];
        if turn > 0 {
            for (times, time) in times.iter_mut().zip(turn_times) {
                times.push(milliseconds(time));
            }
        }
    }
    let names =
        ["fold", "refresh concurrently"].map(|what| format!("{what} after {CHANGES} changes, in turns, {many}, ms"));
    let compared = compare(part, &names, times)?;
    part.comparisons
        .push(Comparison::with_goal("refresh / fold", compared, Goal::AtLeast(30.0)));
    Ok(())
}

/// Adds two contenders and says how many times the first goes into the second.
fn compare(part: &mut Part, names: &[String; 2], times: [Vec<f64>; 2]) -> Result<Option<f64>> {
    for (name, times) in names.iter().zip(times) {
        part.contenders.push(Contender {
            name: name.clone(),
            unit: Unit::Latency,
            series: Series::new(times).context("there was no round")?,
        });
    }
    let [against, of] = names;
    let medians = part.median(of).zip(part.median(against));
    Ok(medians.and_then(|(of, against)| ratio(of, against)))
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// Calls of 100 with nobody folding, and with somebody who does so all the time.
async fn tax(server: &Server, database: &Database, pace: Pace) -> Result<Part> {
    let folder = Folder::open(database).await?;
    let load = Load::open(calls(100, Rows::Spread), database, (Write::Calls(100), Rows::Spread), 2).await?;
    let names = [
        format!("{}, no folds, per second", load.name),
        format!("{}, with folds as the api paces them, per second", load.name),
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
        loop {
            let since = Instant::now();
            if let Err(error) = self.settle().await {
                return error;
            }
            tokio::time::sleep(onhand_api::fold_rest(since.elapsed())).await;
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
