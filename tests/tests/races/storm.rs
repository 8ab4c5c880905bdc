//! All deeds of the pairs at once, many at a time, in a world that has everything: who waits for whom is then no longer a matter of two.

use super::deeds::{self, AGAIN};
use super::world::World;
use super::{assert_no_deadlock, assert_sound, test};
use anyhow::{Result, ensure};
use onhand_tests::database::Database;
use onhand_tests::invariants;
use onhand_tests::suite::Body;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_postgres::Client;

pub(super) fn all() -> Vec<(String, Body)> {
    vec![test("all_deeds_at_once_leave_the_books_right", all_at_once)]
}

/// A world is used up soon: what is archived or closed stays so.
const WORLDS: usize = 12;
const CLIENTS: u64 = 6;
/// How many deeds each client does in one world.
const DEEDS: usize = 12;
/// How long one that gives way is tried again.
const PATIENCE: Duration = Duration::from_secs(20);

async fn all_at_once(database: Arc<Database>) -> Result<()> {
    let seed: u64 = match std::env::var("ONHAND_TEST_SEED") {
        Ok(text) => text.parse()?,
        Err(_) => rand::random(),
    };
    println!("seed {seed}: repeat with ONHAND_TEST_SEED={seed}");
    let admin = database.client().await?;
    let all = Arc::new(deeds::all());
    let parts = all.iter().flat_map(|deed| deed.on.chars()).collect();
    let mut done = 0;
    for number in 0..WORLDS {
        let world = World::make(&admin, number, &parts).await?;
        let mut tasks = Vec::new();
        for client in 0..CLIENTS {
            let (session, world, all) = (database.client().await?, world.clone(), Arc::clone(&all));
            let random = StdRng::seed_from_u64(seed ^ (u64::try_from(number)? * CLIENTS + client));
            tasks.push(tokio::spawn(
                async move { client_of(&session, &world, &all, random).await },
            ));
        }
        for task in tasks {
            done += task.await??;
        }
        assert_sound(&admin).await?;
    }
    ensure!(done > WORLDS * DEEDS, "seed {seed}: only {done} deeds were done");
    invariants::assert_whole(&admin).await?;
    assert_no_deadlock(&database).await
}

/// How many of its deeds were not refused. Any error but a refusal is one of the test.
async fn client_of(session: &Client, world: &World, all: &[deeds::Deed], mut random: StdRng) -> Result<usize> {
    let mut done = 0;
    for _ in 0..DEEDS {
        let Some(deed) = all.choose(&mut random) else { continue };
        let until = Instant::now() + PATIENCE;
        let mut outcomes = deed.run(session, world).await?;
        while outcomes == [AGAIN] {
            ensure!(Instant::now() < until, "{} gives way for ever", deed.name);
            tokio::time::sleep(Duration::from_millis(5)).await;
            outcomes = deed.run(session, world).await?;
        }
        done += usize::from(outcomes.iter().all(|outcome| !outcome.starts_with("IV")));
    }
    Ok(done)
}
