//! A stack that has just been started is slow for a while: the virtual machines of Kafka and Connect compile what is run often only after they
//! have seen it run. And a stack that is behind shows its backlog, not its speed.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use onhand_db::Pool;
use tokio::time::{sleep, timeout};

use super::super::progress;
use super::canary::Canary;
use super::goods::Goods;
use super::latency;
use super::site::Site;

/// How long a stack is run in.
const LENGTH: Duration = Duration::from_secs(45);
/// A write that was that fast found nothing in its way.
const CALM: Duration = Duration::from_millis(500);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(500);
/// What has not been worked off by then never will be.
const PATIENCE: Duration = Duration::from_secs(300);

/// Runs the stack in, and waits until it has nothing left to do.
pub(super) async fn up(site: &Site, pool: &Pool, goods: &Goods) -> Result<()> {
    progress(format_args!("running the stack in for {} s", LENGTH.as_secs()));
    latency::write(pool, goods, LENGTH).await?;
    calm(site, goods).await
}

/// Waits until a write goes the whole way at once.
pub(super) async fn calm(site: &Site, goods: &Goods) -> Result<()> {
    let canary = Canary::new(site, goods)?;
    let calm = async {
        loop {
            let since = Instant::now();
            canary.arrives().await;
            if since.elapsed() < CALM {
                return;
            }
            sleep(PAUSE).await;
        }
    };
    timeout(PATIENCE, calm).await.with_context(|| {
        format!(
            "after {} s a write still took longer than {} ms to its readers",
            PATIENCE.as_secs(),
            CALM.as_millis()
        )
    })
}
