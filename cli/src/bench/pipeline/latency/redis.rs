//! When Redis has the row: all rows that are waited for are asked for again and again, in one pipeline over one connection.
//!
//! At most some two hundred writes a second are followed and each takes some milliseconds, so a question names one or two rows
//! and costs Redis a few microseconds. How often is asked is a matter of the goal: see [`Grain`].

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use onhand_consumers::cache::Keys;
use tokio::task::JoinHandle;

use super::super::super::figures::Latencies;
use super::super::kafka::StopFlag;
use super::super::site::Site;
use super::{Arrivals, Key, PATIENCE, Waiting};

/// How exactly an arrival is seen.
#[derive(Debug, Clone, Copy)]
pub(super) enum Grain {
    /// Asked all the time, however long a row takes: for differences of a millisecond. It costs some tenths of a core.
    Fine,
    /// To a few milliseconds, or a fiftieth of what the row takes if that is more: for a load that takes the whole machine, of which the
    /// one who looks must not take a part, least of all once much is waited for.
    Coarse,
}

impl Grain {
    /// Before the next question, while the oldest row has been waited for so long.
    fn pause(self, oldest: Duration) -> Duration {
        match self {
            Self::Fine => FINE,
            Self::Coarse => COARSE.max(oldest / 50),
        }
    }
}

const FINE: Duration = Duration::from_micros(250);
const COARSE: Duration = Duration::from_millis(4);
/// Between two looks whether there is something to ask for.
const IDLE: Duration = Duration::from_millis(1);
const END_PAUSE: Duration = Duration::from_millis(20);

/// The one who asks, on a thread of its own: the timer of the runtime is too coarse.
pub(super) struct Watch {
    thread: JoinHandle<Result<Latencies>>,
    waiting: Waiting,
    stop: StopFlag,
}

impl Watch {
    /// Of the cache that the stack keeps.
    pub(super) fn start(site: &Site, waiting: Waiting, grain: Grain) -> Result<Self> {
        let mut connection = site.redis()?;
        let keys = Keys::new(&site.settings.redis.key_prefix);
        let (stop, stopped) = StopFlag::new();
        let waits = waiting.clone();
        let thread = tokio::task::spawn_blocking(move || ask(&mut connection, &keys, &waits, &stopped, grain));
        Ok(Self { thread, waiting, stop })
    }

    /// Waits, for a bounded time, until nothing is waited for any more.
    pub(super) async fn end(self) -> Result<Arrivals> {
        let deadline = Instant::now() + PATIENCE;
        while self.waiting.len() > 0 && Instant::now() < deadline && !self.thread.is_finished() {
            tokio::time::sleep(END_PAUSE).await;
        }
        drop(self.stop);
        Ok(Arrivals::new(self.thread.await??, self.waiting.len()))
    }
}

fn ask(
    connection: &mut redis::Connection,
    keys: &Keys,
    waiting: &Waiting,
    stopped: &AtomicBool,
    grain: Grain,
) -> Result<Latencies> {
    let mut latencies = Latencies::new()?;
    while !stopped.load(Ordering::Relaxed) {
        let (open, oldest): (Vec<Key>, Option<Instant>) = {
            let waits = waiting.lock();
            (waits.keys().copied().collect(), waits.values().min().copied())
        };
        let Some(oldest) = oldest else {
            std::thread::sleep(IDLE);
            continue;
        };
        let mut pipeline = redis::Pipeline::with_capacity(open.len());
        for key in &open {
            let field = format!("row:{}", key.location);
            pipeline.cmd("HGET").arg(keys.item(key.item)).arg(field);
        }
        let rows: Vec<Option<String>> = pipeline.query(connection)?;
        let now = Instant::now();
        for (key, row) in open.iter().zip(&rows) {
            if has_arrived(row.as_deref(), key.version)
                && let Some(sent) = waiting.seen(key)
            {
                latencies.add(now.saturating_duration_since(sent));
            }
        }
        std::thread::sleep(grain.pause(oldest.elapsed()));
    }
    Ok(latencies)
}

/// A row begins with its version.
pub(in super::super) fn has_arrived(row: Option<&str>, version: i64) -> bool {
    row.and_then(|row| row.split(' ').next())
        .and_then(|word| word.parse::<i64>().ok())
        .is_some_and(|found| found >= version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coarse_look_is_rarer_the_longer_a_row_takes() {
        let pauses =
            |grain: Grain| [10, 1_000, 10_000].map(|millis| grain.pause(Duration::from_millis(millis)).as_millis());
        assert_eq!(pauses(Grain::Coarse), [4, 20, 200]);
        assert_eq!(pauses(Grain::Fine), [0, 0, 0]);
    }

    #[test]
    fn a_row_has_arrived_with_its_version_or_a_newer_one() {
        assert!(has_arrived(Some("7 1 2"), 7) && has_arrived(Some("8 1 2"), 7));
        assert!(!has_arrived(Some("6 1 2"), 7) && !has_arrived(None, 7) && !has_arrived(Some("x"), 7));
    }
}
