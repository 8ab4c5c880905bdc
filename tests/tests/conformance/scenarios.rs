//! The disturbances. Each ends with the sink's outcome equal to the source.

use super::subject::{Failed, Part, Subject};
use super::world::World;
use anyhow::{Context, Result, bail, ensure};
use futures_util::future::BoxFuture;
use onhand_tests::kafka::RawRecord;
use onhand_tests::process;
use onhand_tests::stack::eventually;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng, rngs::StdRng};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

pub(crate) type Play = for<'a> fn(&'a World, &'a dyn Subject) -> BoxFuture<'a, Result<()>>;

/// Rebalances that are forced: a member that comes and goes makes two.
const COMINGS: usize = 10;

/// Between two feeds while members come and go, so that events flow and no backlog grows.
const BREATH: Duration = Duration::from_millis(300);

/// Disturbances that touch the sink alone and mostly wait, so that all sinks have them at once.
pub(crate) const AT_ONCE: [(&str, Play); 2] = [
    ("duplicates", |world, subject| Box::pin(duplicates(world, subject))),
    ("f23_rebalances_under_load", |world, subject| {
        Box::pin(rebalances(world, subject))
    }),
];

/// Disturbances of what sinks share, or that need the machine: one sink at a time.
pub(crate) const IN_TURN: [(&str, Play); 6] = [
    ("reordering", |world, subject| Box::pin(reordering(world, subject))),
    ("partial_failure", |world, subject| {
        Box::pin(partial_failure(world, subject))
    }),
    ("poison", |world, subject| Box::pin(poison(world, subject))),
    ("f29_restart_in_mid_batch", |world, subject| {
        Box::pin(restart(world, subject))
    }),
    ("slow_sink", |world, subject| Box::pin(slow_sink(world, subject))),
    ("sink_down", |world, subject| Box::pin(sink_down(world, subject))),
];

/// Everything of late once more, in order.
async fn duplicates(world: &World, subject: &dyn Subject) -> Result<()> {
    subject.feed(world, 500).await?;
    subject.holds(world).await?;
    world.onhand(&["down", subject.name()]).await?;
    let group = world.group(subject);
    let before = group.lag()?;
    group.rewind(300)?;
    ensure!(group.lag()? > before, "nothing comes again");
    world.onhand(&["up", subject.name()]).await?;
    group.caught_up().await?;
    subject.holds(world).await
}

/// Old records behind new ones, in any order, twice.
async fn reordering(world: &World, subject: &dyn Subject) -> Result<()> {
    subject.feed(world, 300).await?;
    let mut random = StdRng::from_os_rng();
    for topic in subject.topics() {
        let records = world.stack.records(topic)?;
        let from = records.len().saturating_sub(200);
        let mut late: Vec<RawRecord> = records.get(from..).context("records")?.to_vec();
        late.extend(late.clone());
        late.shuffle(&mut random);
        world.stack.produce_all(topic, &late).await?;
    }
    subject.feed(world, 100).await?;
    world.group(subject).caught_up().await?;
    subject.holds(world).await
}

/// Bytes that are no event, between events: aside with them, as they are, and the rest goes on.
async fn poison(world: &World, subject: &dyn Subject) -> Result<()> {
    let unique = uuid::Uuid::now_v7().as_bytes().to_vec();
    let values = [
        vec![],
        b"{\"no\": \"frame\"}".to_vec(),
        [vec![0, 0, 0, 0, 1], unique.clone()].concat(),
        [vec![1], unique.clone()].concat(),
    ];
    for topic in subject.topics() {
        subject.feed(world, 50).await?;
        let garbage = values.clone().map(|value| RawRecord {
            key: Some(unique.clone()),
            value: Some(value),
            headers: vec![("origin".to_owned(), b"conformance".to_vec())],
        });
        world.stack.produce_all(topic, &garbage).await?;
        subject.feed(world, 50).await?;
        let letters = subject.dead_letters(topic);
        eventually("the dead letters have it all, byte for byte", || async {
            let found = world.stack.records(&letters)?;
            Ok(values.iter().all(|value| {
                found.iter().any(|letter| {
                    letter.key.as_ref() == Some(&unique)
                        && letter.value.as_ref() == Some(value)
                        && letter.headers.iter().any(|(name, _)| name == "origin")
                        && letter
                            .headers
                            .iter()
                            .any(|(name, reason)| name == "error" && !reason.is_empty())
                })
            }))
        })
        .await?;
    }
    subject.holds(world).await
}

/// A part of what it writes cannot be written for a while: the rest of the batch is, the part is tried again or buried.
async fn partial_failure(world: &World, subject: &dyn Subject) -> Result<()> {
    subject.feed(world, 200).await?;
    subject.holds(world).await?;
    let before = world.pid(subject.name())?;
    let failed = fail_in_part(world, subject).await;
    // Never left broken, whatever failed.
    let mended = [
        subject.mend_part(world, Part::Gate).await,
        subject.mend_part(world, Part::Broken).await,
    ];
    failed?;
    mended.into_iter().collect::<Result<()>>()?;
    eventually("the consumer is ready", || async {
        Ok(world.health(subject).await?.0 == 200)
    })
    .await?;
    ensure!(world.pid(subject.name())? == before, "it was started anew");
    subject.feed(world, 50).await?;
    world.group(subject).caught_up().await?;
    subject.holds(world).await
}

/// A consumer that retries is held back by another part first, so that what is fed waits and comes in one batch.
async fn fail_in_part(world: &World, subject: &dyn Subject) -> Result<()> {
    let retries = subject.failed() == Failed::IsRetried;
    if retries {
        subject.break_part(world, Part::Gate).await?;
        subject.feed(world, 100).await?;
        says_that_it_retries(world, subject).await?;
    }
    subject.break_part(world, Part::Broken).await?;
    subject.feed(world, 300).await?;
    world.group(subject).quiet().await?;
    if retries {
        subject.mend_part(world, Part::Gate).await?;
    }
    subject.rest_holds(world).await?;
    if retries {
        return says_that_it_retries(world, subject).await;
    }
    world.group(subject).caught_up().await
}

async fn says_that_it_retries(world: &World, subject: &dyn Subject) -> Result<()> {
    eventually("the consumer says what it tries again", || async {
        let (status, answer) = world.health(subject).await?;
        Ok(status == 503 && answer.contains("\"stage\":\"write\""))
    })
    .await
}

/// Killed while it works off what has piled up, again and again.
async fn restart(world: &World, subject: &dyn Subject) -> Result<()> {
    let mut random = StdRng::from_os_rng();
    for _ in 0..3 {
        world.onhand(&["down", subject.name()]).await?;
        subject.feed(world, 1_500).await?;
        // Change capture brings it a moment after its commit.
        eventually("something has piled up", || async {
            Ok(world.group(subject).lag()? > 0)
        })
        .await?;
        world.onhand(&["up", subject.name()]).await?;
        tokio::time::sleep(Duration::from_millis(random.random_range(0..150))).await;
        process::kill_part(&world.stack.state, subject.name())?;
        world.onhand(&["up", subject.name()]).await?;
    }
    world.group(subject).caught_up().await?;
    subject.holds(world).await
}

/// Members come and go while events flow.
async fn rebalances(world: &World, subject: &dyn Subject) -> Result<()> {
    let disturb = async {
        for _ in 0..COMINGS {
            let mut member = world.second_member(subject)?;
            // Long enough to join: one that leaves before it has joined waits for its coordinator for seconds.
            tokio::time::sleep(Duration::from_millis(2_500)).await;
            process::signal("TERM", &[member.id()])?;
            let ended = tokio::task::spawn_blocking(move || member.wait()).await??;
            ensure!(ended.success(), "the second member ended with {ended}");
        }
        anyhow::Ok(())
    };
    let ended = AtomicBool::new(false);
    let feed = async {
        // Never cut off: what a feed has noted as sent must have been sent.
        while !ended.load(Ordering::Relaxed) {
            subject.feed(world, 50).await?;
            tokio::time::sleep(BREATH).await;
        }
        anyhow::Ok(())
    };
    let disturb = async {
        let disturbed = disturb.await;
        ended.store(true, Ordering::Relaxed);
        disturbed
    };
    let (disturbed, fed) = tokio::join!(disturb, feed);
    disturbed?;
    fed?;
    world.group(subject).caught_up().await?;
    subject.holds(world).await
}

/// The store stands still for moments at a time.
async fn slow_sink(world: &World, subject: &dyn Subject) -> Result<()> {
    let store = world.pid(subject.store())?;
    let stalls = async {
        for _ in 0..8 {
            process::signal_tree("STOP", store)?;
            tokio::time::sleep(Duration::from_millis(400)).await;
            process::signal_tree("CONT", store)?;
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        anyhow::Ok(())
    };
    let (stalled, fed) = tokio::join!(stalls, subject.feed(world, 1_000));
    // Never left standing, whatever failed.
    process::signal_tree("CONT", store)?;
    stalled?;
    fed?;
    world.group(subject).caught_up().await?;
    subject.holds(world).await
}

/// The store is away for some seconds: the consumer lives, says what is wrong, and goes on when it is back.
async fn sink_down(world: &World, subject: &dyn Subject) -> Result<()> {
    let before = world.pid(subject.name())?;
    world.onhand(&["down", subject.store()]).await?;
    let away = async {
        subject.feed_without_store(world, 300).await?;
        eventually("the consumer says that it is not ready", || async {
            let (status, answer) = world.health(subject).await?;
            Ok(status == 503 && answer.contains("problem"))
        })
        .await?;
        tokio::time::sleep(process::outage(Duration::from_secs(5))).await;
        if !process::lives(before) {
            bail!("the consumer has ended");
        }
        Ok(())
    };
    let away = away.await;
    world.onhand(&["up", subject.store()]).await?;
    away?;
    eventually("the consumer is ready again", || async {
        Ok(world.health(subject).await?.0 == 200)
    })
    .await?;
    ensure!(world.pid(subject.name())? == before, "it was started anew");
    world.group(subject).caught_up().await?;
    subject.holds(world).await
}
