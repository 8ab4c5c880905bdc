//! What a shop sends, at a steady rate and without a pause: carts that reserve, pay or give up, and deliveries.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use onhand_db::{AnswerLevel, Outcome, Pool, PooledClient};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use super::super::goods::{self, SOURCE};
use super::super::shop::{Customers, Shop};
use super::{Key, Waiting};

/// As many as the HTTP interface has lanes by default.
pub(super) const LANES: u32 = 2;
/// Commands in one call at most: those of such a lane by default.
const MOST_IN_A_CALL: u64 = 256;
/// Between the calls of one connection: about what a call takes while the machine has everything else to do, so about how often a lane
/// that takes whatever waits would make one.
pub(super) const PACE: Duration = Duration::from_millis(20);

/// Between two writes that are followed: those who look for them must not be a load of their own.
const FOLLOW_EVERY: Duration = Duration::from_millis(20);

/// Who is told of the writes that are followed.
#[derive(Clone, Default)]
pub(super) struct Followers(Arc<Mutex<Following>>);

#[derive(Default)]
struct Following {
    by: Option<Waiting>,
    /// Since that was last changed.
    writes: u64,
    last: Option<Instant>,
}

impl Followers {
    fn lock(&self) -> MutexGuard<'_, Following> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// This one from now on; answers how many writes the one before was told of.
    pub(super) fn change(&self, by: Option<Waiting>) -> u64 {
        let following = Following {
            by,
            ..Following::default()
        };
        std::mem::replace(&mut *self.lock(), following).writes
    }

    fn tell(&self, key: Key) {
        let mut following = self.lock();
        let sent = Instant::now();
        let due = following
            .last
            .is_none_or(|last| sent.duration_since(last) >= FOLLOW_EVERY);
        let Some(waiting) = following.by.as_ref().filter(|_| due) else {
            return;
        };
        waiting.add(key, sent);
        following.last = Some(sent);
        following.writes = following.writes.saturating_add(1);
    }
}

/// What was written so far.
#[derive(Default)]
struct Counts {
    applied: AtomicU64,
    refused: AtomicU64,
}

/// The writers, until they are told to end.
pub(super) struct Mix {
    stop: Arc<AtomicBool>,
    counts: Arc<Counts>,
    tasks: JoinSet<Result<()>>,
}

impl Mix {
    /// So many commands a second.
    pub(super) async fn start(pool: &Pool, shop: &Shop, per_second: u32, followers: &Followers) -> Result<Self> {
        let mut mix = Self {
            stop: Arc::new(AtomicBool::new(false)),
            counts: Arc::new(Counts::default()),
            tasks: JoinSet::new(),
        };
        let since = tokio::time::Instant::now();
        for number in 0..LANES {
            let writer = Writer {
                client: pool.get().await?,
                customers: Customers::new(shop.share(usize::try_from(number)?, usize::try_from(LANES)?)),
                random: StdRng::from_os_rng(),
                due: Due::new(per_second),
                followers: followers.clone(),
                counts: Arc::clone(&mix.counts),
            };
            let clock = tokio::time::interval_at(since + PACE * number / LANES, PACE);
            mix.tasks.spawn(writer.run(clock, Arc::clone(&mix.stop)));
        }
        Ok(mix)
    }

    /// Commands that were applied so far.
    pub(super) fn applied(&self) -> u64 {
        self.counts.applied.load(Ordering::Relaxed)
    }

    /// Ends the writers; answers how many commands were refused.
    pub(super) async fn end(mut self) -> Result<u64> {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(ended) = self.tasks.join_next().await {
            ended??;
        }
        Ok(self.counts.refused.load(Ordering::Relaxed))
    }
}

/// Commands that customers have sent by now and that are still to be written.
struct Due {
    /// By the customers of all connections together.
    per_second: u32,
    taken: u64,
}

impl Due {
    const fn new(per_second: u32) -> Self {
        Self { per_second, taken: 0 }
    }

    /// As many of them as one call may have, so long after the beginning.
    fn take(&mut self, since: Duration) -> usize {
        let sent = since.as_micros() * u128::from(self.per_second) / (1_000_000 * u128::from(LANES));
        let sent = u64::try_from(sent).unwrap_or(u64::MAX);
        let size = sent.saturating_sub(self.taken).min(MOST_IN_A_CALL);
        self.taken = self.taken.saturating_add(size);
        usize::try_from(size).unwrap_or(0)
    }
}

/// One connection, and the customers of the items that it alone writes to, so that none waits for another.
struct Writer {
    client: PooledClient,
    customers: Customers,
    random: StdRng,
    due: Due,
    followers: Followers,
    counts: Arc<Counts>,
}

impl Writer {
    async fn run(mut self, mut clock: tokio::time::Interval, stop: Arc<AtomicBool>) -> Result<()> {
        // What a late call has missed is in the next one, as in the HTTP interface, which sends whatever waits.
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let since = Instant::now();
        while !stop.load(Ordering::Relaxed) {
            clock.tick().await;
            let size = self.due.take(since.elapsed());
            if size > 0 {
                self.write(size).await?;
            }
        }
        Ok(())
    }

    /// One transaction. Who follows hears of its write before COMMIT is sent, so none is seen before it is waited for.
    async fn write(&mut self, size: usize) -> Result<()> {
        let commands = self.customers.commands(&mut self.random, size)?;
        self.client.batch_execute("begin").await?;
        let outcomes = onhand_db::apply_commands(&self.client, &commands, None, SOURCE).await?;
        if let Some(key) = any_key(&outcomes, &mut self.random) {
            self.followers.tell(key);
        }
        self.client.batch_execute("commit").await?;
        self.customers.learn(&outcomes);
        let applied = u64::try_from(levels(&outcomes).count())?;
        let sent = u64::try_from(outcomes.len())?;
        self.counts.applied.fetch_add(applied, Ordering::Relaxed);
        self.counts
            .refused
            .fetch_add(sent.saturating_sub(applied), Ordering::Relaxed);
        Ok(())
    }
}

/// The level that each applied command changed.
fn levels(outcomes: &[Outcome]) -> impl Iterator<Item = &AnswerLevel> {
    outcomes.iter().filter_map(|outcome| match outcome {
        Outcome::Applied(answer) => answer.levels.first(),
        _ => None,
    })
}

/// One of the levels that were changed. A call writes each level once, so only the last of its versions in the call is ever seen.
fn any_key(outcomes: &[Outcome], random: &mut impl Rng) -> Option<Key> {
    let count = levels(outcomes).count();
    let one = levels(outcomes).nth(random.random_range(0..count.max(1)))?;
    let same = levels(outcomes).filter(|level| (level.item_id, &level.location) == (one.item_id, &one.location));
    Some(Key {
        item: one.item_id,
        location: goods::known_location(&one.location)?,
        version: same.map(|level| level.version).max()?,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use onhand_db::Answer;
    use uuid::Uuid;

    use super::super::super::goods::LOCATION;
    use super::*;

    fn applied(item: u128, version: i64) -> Outcome {
        Outcome::Applied(Answer {
            levels: vec![AnswerLevel {
                sku: "x".to_owned(),
                item_id: Uuid::from_u128(item),
                location: LOCATION.to_owned(),
                quantity: 1,
                on_hand: 1,
                reserved: 0,
                available: 1,
                status: "in_stock".to_owned(),
                version,
            }],
            reservation_id: None,
            status: None,
            expires_at: None,
        })
    }

    #[test]
    fn a_late_call_has_what_the_one_before_missed() {
        let mut due = Due::new(3_000);
        let at = Duration::from_millis;
        assert_eq!([20, 40, 140, 140].map(|millis| due.take(at(millis))), [30, 30, 150, 0]);
        assert_eq!(due.take(at(640)), 256, "bounded");
        assert_eq!([640, 640, 640].map(|millis| due.take(at(millis))), [256, 238, 0]);
    }

    #[test]
    fn of_a_level_that_is_changed_twice_the_last_version_is_followed() {
        let mut random = StdRng::seed_from_u64(1);
        let outcomes = [applied(1, 4), applied(2, 9), applied(1, 5)];
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..50 {
            let key = any_key(&outcomes, &mut random).unwrap();
            seen.insert((key.item, key.version));
        }
        let expected = [(Uuid::from_u128(1), 5), (Uuid::from_u128(2), 9)];
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), expected);
        assert!(any_key(&[], &mut random).is_none());
    }

    #[test]
    fn nobody_follows_until_somebody_wants_to() {
        let (followers, waiting) = (Followers::default(), Waiting::default());
        let key = any_key(&[applied(1, 1)], &mut StdRng::seed_from_u64(1)).unwrap();
        followers.tell(key);
        assert_eq!(followers.change(Some(waiting.clone())), 0);
        followers.tell(key);
        assert_eq!((waiting.len(), followers.change(None)), (1, 1));
    }

    #[test]
    fn few_of_many_writes_are_followed() {
        let (followers, waiting) = (Followers::default(), Waiting::default());
        followers.change(Some(waiting.clone()));
        let keys: Vec<Key> = (1..=100)
            .filter_map(|version| any_key(&[applied(1, version)], &mut StdRng::seed_from_u64(1)))
            .collect();
        let since = Instant::now();
        keys.iter().for_each(|key| followers.tell(*key));
        let most = since.elapsed().as_millis() / FOLLOW_EVERY.as_millis() + 1;
        assert!(
            (1..=usize::try_from(most).unwrap()).contains(&waiting.len()),
            "{} of 100",
            waiting.len()
        );
    }
}
