//! Draws histories from seeds, plays them, and makes a failing one smaller.

use crate::script::{self, Phase, Step};
use crate::send::Functions;
use crate::{several, single};
use anyhow::{Result, anyhow, bail};
use onhand_tests::database::Database;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::fmt::Debug;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a failing history is made smaller.
const SHRINKING: Duration = Duration::from_secs(60);

pub(crate) async fn single(database: Arc<Database>, seeds: Vec<u64>) -> Result<()> {
    on_a_thread(move || async move {
        let client = database.client().await?;
        // Nothing of these tests outlives the server, so nobody waits for its disk.
        client.batch_execute("set synchronous_commit = off").await?;
        let functions = Functions::read(&client).await?;
        each(seeds, &script::single(), |tag, steps: Vec<Step>| {
            let (client, functions) = (&client, &functions);
            async move { single::play(client, functions, tag, &steps).await }
        })
        .await
    })
    .await
}

pub(crate) async fn several(database: Arc<Database>, seeds: Vec<u64>) -> Result<()> {
    on_a_thread(move || async move {
        let stage = several::Stage::open(&database).await?;
        each(seeds, &script::several(), |tag, phases: Vec<Phase>| {
            let stage = &stage;
            async move { stage.play(tag, &phases).await }
        })
        .await
    })
    .await
}

/// What proptest draws from cannot go from thread to thread, as the tasks of the runtime do.
async fn on_a_thread<F, R>(body: F) -> Result<()>
where
    F: FnOnce() -> R + Send + 'static,
    R: Future<Output = Result<()>>,
{
    let runtime = tokio::runtime::Handle::current();
    tokio::task::spawn_blocking(move || runtime.block_on(body())).await?
}

async fn each<S, F, R>(seeds: Vec<u64>, histories: &S, play: F) -> Result<()>
where
    S: Strategy,
    S::Value: Debug + Clone,
    F: Fn(String, S::Value) -> R,
    R: Future<Output = Result<()>>,
{
    for seed in seeds {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let mut runner = TestRunner::new_with_rng(Config::default(), random);
        let mut tree = histories.new_tree(&mut runner).map_err(|reason| anyhow!("{reason}"))?;
        let Err(first) = play(format!("h{seed}"), tree.current()).await else {
            continue;
        };
        let (tries, error) = shrink(seed, &mut tree, first, &play).await;
        bail!(
            "history {seed} failed; again: ./onhand test --histories 1 --seed {seed}\nthe smallest of {tries} that were tried\n{error:#}"
        );
    }
    Ok(())
}

/// Looks for the smallest history that still fails. Each try plays in a world of its own.
async fn shrink<T, F, R>(seed: u64, tree: &mut T, first: anyhow::Error, play: &F) -> (u32, anyhow::Error)
where
    T: ValueTree,
    T::Value: Clone,
    F: Fn(String, T::Value) -> R,
    R: Future<Output = Result<()>>,
{
    let until = Instant::now() + SHRINKING;
    let mut smallest = first;
    let mut tries = 0;
    let mut further = tree.simplify();
    while further && Instant::now() < until {
        tries += 1;
        further = match play(format!("h{seed}.{tries}"), tree.current()).await {
            Err(error) => {
                smallest = error;
                tree.simplify()
            }
            Ok(()) => tree.complicate(),
        };
    }
    (tries, smallest)
}
