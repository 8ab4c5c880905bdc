//! Every pair of operations that can meet on a row: one is done and not committed, the other comes and waits or does not, then
//! the first commits or rolls back. Outcomes and rows must be those of the two one after the other, in one order or the other; after a
//! roll back, those of the second alone.

use super::deeds::{self, Deed};
use super::world::World;
use anyhow::{Result, bail, ensure};
use onhand_tests::database::Database;
use onhand_tests::suite::{Body, test};
use onhand_tests::{invariants, inventory};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_postgres::Client;

/// How many tests the pairs are dealt out to.
const GROUPS: usize = 4;
/// Every pair is tried with a commit, each of so many with a roll back too.
const ROLL_BACK_EVERY: usize = 5;
/// Letters of the parts of the world (see [`deeds::all`]) whose deeds are tried, where it is not all; for quick trials.
const PARTS_VARIABLE: &str = "ONHAND_DEEDS";
/// How long the second may neither answer nor wait for the first.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) fn all() -> Vec<(String, Body)> {
    (0..GROUPS)
        .map(|group| {
            let name = format!("pairs_of_operations_are_serializable_{}", group + 1);
            test(&name, move |database| pairs(database, group))
        })
        .collect()
}

/// What two deeds led to: the outcomes of each, and the rows afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Trace {
    first: Vec<String>,
    second: Vec<String>,
    rows: Vec<String>,
}

struct Stage {
    admin: Client,
    first: Client,
    second: Arc<Client>,
    second_pid: i32,
    worlds: usize,
}

async fn pairs(database: Arc<Database>, group: usize) -> Result<()> {
    let second = database.client().await?;
    let mut stage = Stage {
        admin: database.client().await?,
        first: database.client().await?,
        second_pid: inventory::pid(&second).await?,
        second: Arc::new(second),
        worlds: 0,
    };
    for client in [&stage.admin, &stage.first, &stage.second] {
        // Nothing of these tests outlives the server, so nobody waits for its disk.
        client.batch_execute("set synchronous_commit = off").await?;
    }
    let mut all = deeds::all();
    if let Ok(parts) = std::env::var(PARTS_VARIABLE) {
        all.retain(|deed| deed.on.chars().any(|part| parts.contains(part)));
    }
    let mut number = 0;
    let (mut wrong, mut sound) = (Vec::new(), true);
    for first in &all {
        for second in all.iter().filter(|second| first.meets(second)) {
            number += 1;
            if number % GROUPS != group {
                continue;
            }
            let mut ends = vec![true];
            if (number / GROUPS).is_multiple_of(ROLL_BACK_EVERY) {
                ends.push(false);
            }
            for commits in ends {
                let end = if commits { "commits" } else { "rolls back" };
                let pair = format!("{} {end}, {} beside it", first.name, second.name);
                if let Err(error) = stage.pair(first, second, commits).await {
                    wrong.push(format!("{pair}: {error:#}"));
                }
            }
        }
        // What is broken stays so: it is told once.
        if sound && let Err(error) = invariants::assert_hold(&stage.admin).await {
            wrong.push(format!("after {} beside all others: {error:#}", first.name));
            sound = false;
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    invariants::assert_whole(&stage.admin).await?;
    inventory::assert_no_deadlock(&database).await
}

impl Stage {
    async fn world(&mut self, deeds: &[&Deed]) -> Result<World> {
        self.worlds += 1;
        let parts = deeds.iter().flat_map(|deed| deed.on.chars()).collect();
        World::make(&self.admin, self.worlds, &parts).await
    }

    async fn pair(&mut self, first: &Deed, second: &Deed, commits: bool) -> Result<()> {
        let found = self.beside(first, second, commits).await?;
        if !commits {
            let alone = self.one_after_the_other(&[second], &[first, second]).await?;
            ensure!(
                found.second == alone.first && found.rows == alone.rows,
                "found {found:#?}\nthe second alone {alone:#?}"
            );
            return Ok(());
        }
        let forward = self.one_after_the_other(&[first, second], &[first, second]).await?;
        if found == forward {
            return Ok(());
        }
        let backward = self.one_after_the_other(&[second, first], &[first, second]).await?;
        let turned = Trace {
            first: backward.second,
            second: backward.first,
            rows: backward.rows,
        };
        ensure!(
            found == turned,
            "found {found:#?}\none after the other {forward:#?}\nthe other way {turned:#?}"
        );
        Ok(())
    }

    /// The second while the first is not committed. One that gives way is done once the first has ended, as its client would.
    async fn beside(&mut self, first: &Deed, second: &Deed, commits: bool) -> Result<Trace> {
        let world = self.world(&[first, second]).await?;
        self.first.batch_execute("begin").await?;
        let done = first.run(&self.first, &world).await?;
        let (client, deed, names) = (Arc::clone(&self.second), second.clone(), world.clone());
        let waiting = tokio::spawn(async move { deed.run(&client, &names).await });
        let until = Instant::now() + PATIENCE;
        while !waiting.is_finished() && !inventory::is_blocked(&self.admin, self.second_pid).await? {
            ensure!(Instant::now() < until, "the second neither answers nor waits");
        }
        self.first
            .batch_execute(if commits { "commit" } else { "rollback" })
            .await?;
        let Ok(beside) = tokio::time::timeout(PATIENCE, waiting).await else {
            bail!("the second still waits");
        };
        let mut beside = beside??;
        if beside == [deeds::AGAIN] {
            beside = second.run(&self.second, &world).await?;
        }
        Ok(Trace {
            first: done,
            second: beside,
            rows: world.rows(&self.admin).await?,
        })
    }

    async fn one_after_the_other(&mut self, deeds: &[&Deed], of: &[&Deed]) -> Result<Trace> {
        let world = self.world(of).await?;
        let mut outcomes = Vec::new();
        for deed in deeds {
            outcomes.push(deed.run(&self.admin, &world).await?);
        }
        let mut outcomes = outcomes.into_iter();
        Ok(Trace {
            first: outcomes.next().unwrap_or_default(),
            second: outcomes.next().unwrap_or_default(),
            rows: world.rows(&self.admin).await?,
        })
    }
}
