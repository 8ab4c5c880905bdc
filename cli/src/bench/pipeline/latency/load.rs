//! Writes at a steady rate: transactions of some commands each, from a few connections.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use onhand_db::{Pool, PooledClient};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use uuid::Uuid;

use super::super::super::figures;
use super::super::goods::{self, Goods, LOCATION};
use super::{Key, Waiting};

/// More than that and the machine is busy with commits, not with events; the api gathers writes in the same way.
const MOST_TRANSACTIONS: u32 = 200;
/// A commit that is late does not hold up those of the others.
const WRITERS: u32 = 4;

/// How fast, and for how long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Load {
    /// Events.
    pub(super) per_second: u32,
    /// Before writes are followed.
    pub(super) warm_up: Duration,
    /// While they are.
    pub(super) length: Duration,
}

/// What came of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wrote {
    /// Events per second.
    pub(super) rate: f64,
    /// Writes that were followed.
    pub(super) followed: u64,
}

/// Transactions per second that carry so many events, and events in each.
fn transactions(per_second: u32) -> (u32, usize) {
    let transactions = per_second.clamp(1, MOST_TRANSACTIONS);
    let events = per_second.div_ceil(transactions);
    (transactions, usize::try_from(events).unwrap_or(1))
}

/// One connection and the items that it alone writes to.
struct Writer {
    client: PooledClient,
    items: Vec<(String, Uuid)>,
    /// Item that is next.
    cursor: usize,
    /// Commands in a transaction.
    size: usize,
    waits: [Waiting; 2],
    events: u64,
    followed: u64,
}

/// Writes, and tells both ends what to wait for.
pub(super) async fn drive(pool: &Pool, goods: &Goods, load: Load, waits: [Waiting; 2]) -> Result<Wrote> {
    let (transactions, size) = transactions(load.per_second);
    let interval = Duration::from_secs(1) * WRITERS / transactions;
    let since = Instant::now();
    let mut tasks = JoinSet::new();
    for number in 0..WRITERS {
        let writer = Writer {
            client: pool.get().await?,
            items: share(&goods.items, usize::try_from(number)?),
            cursor: 0,
            size,
            waits: waits.clone(),
            events: 0,
            followed: 0,
        };
        let start = tokio::time::Instant::from_std(since) + interval * number / WRITERS;
        tasks.spawn(writer.run(tokio::time::interval_at(start, interval), load));
    }
    let mut wrote = Wrote { rate: 0.0, followed: 0 };
    let mut events = 0_u64;
    while let Some(ended) = tasks.join_next().await {
        let writer = ended??;
        events = events.saturating_add(writer.events);
        wrote.followed = wrote.followed.saturating_add(writer.followed);
    }
    wrote.rate = figures::rate(events, since.elapsed());
    Ok(wrote)
}

/// No two connections write to the same item, so none waits for the other.
fn share(items: &[(String, Uuid)], number: usize) -> Vec<(String, Uuid)> {
    let writers = usize::try_from(WRITERS).unwrap_or(1);
    items.iter().skip(number).step_by(writers).cloned().collect()
}

impl Writer {
    async fn run(mut self, mut clock: tokio::time::Interval, load: Load) -> Result<Self> {
        // A late tick is made up for, so that the rate is what was asked for.
        clock.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let mut random = StdRng::from_os_rng();
        let since = Instant::now();
        while since.elapsed() < load.warm_up + load.length {
            clock.tick().await;
            let followed = (since.elapsed() >= load.warm_up).then(|| random.random_range(0..self.size));
            self.write(followed).await?;
        }
        Ok(self)
    }

    /// One transaction. The ends hear of its write before COMMIT is sent, so none is seen before it is waited for.
    async fn write(&mut self, followed: Option<usize>) -> Result<()> {
        let batch: Vec<(String, Uuid)> = self
            .items
            .iter()
            .cycle()
            .skip(self.cursor)
            .take(self.size)
            .cloned()
            .collect();
        self.cursor = (self.cursor.saturating_add(self.size)) % self.items.len().max(1);
        self.client.batch_execute("begin").await?;
        let versions = goods::add(&self.client, batch.iter().map(|(sku, _)| sku)).await?;
        if let Some(position) = followed {
            let (_, item) = batch.get(position).context("no such write")?;
            let version = versions.get(position).context("no such answer")?;
            let sent = Instant::now();
            let key = Key {
                item: *item,
                location: LOCATION,
                version: *version,
            };
            self.waits.iter().for_each(|waiting| waiting.add(key, sent));
            self.followed = self.followed.saturating_add(1);
        }
        self.client.batch_execute("commit").await?;
        self.events = self.events.saturating_add(u64::try_from(batch.len())?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transactions_carry_the_rate() {
        assert_eq!([100, 1_000, 3_000].map(transactions), [(100, 1), (200, 5), (200, 15)]);
    }

    #[test]
    fn each_item_has_one_writer() {
        let items: Vec<(String, Uuid)> = (0..10).map(|n| (n.to_string(), Uuid::from_u128(n))).collect();
        let mut all: Vec<(String, Uuid)> = (0..4).flat_map(|number| share(&items, number)).collect();
        all.sort_by_key(|(_, id)| *id);
        assert_eq!(all, items);
    }
}
