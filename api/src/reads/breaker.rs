//! Remembers that Redis failed a moment ago, so that not every request has to wait for it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long Redis is left alone after a failure; then one request tries it again.
const PAUSE: Duration = Duration::from_millis(500);

/// Open for a while after a failure.
#[derive(Debug)]
pub(crate) struct Breaker {
    epoch: Instant,
    /// Milliseconds since `epoch` until which nobody asks.
    open_until: AtomicU64,
}

impl Breaker {
    pub(crate) fn new() -> Self {
        Self {
            epoch: Instant::now(),
            open_until: AtomicU64::new(0),
        }
    }

    /// Whether the other side may be asked now. Of those that come right after a pause, one is let
    /// through; the others wait for its result for another pause.
    pub(crate) fn allows(&self) -> bool {
        let until = self.open_until.load(Ordering::Acquire);
        if until == 0 {
            return true;
        }
        let now = self.now();
        now >= until
            && self
                .open_until
                .compare_exchange(until, now + pause(), Ordering::AcqRel, Ordering::Acquire)
                .is_ok()
    }

    pub(crate) fn failed(&self) {
        self.open_until.store(self.now() + pause(), Ordering::Release);
    }

    pub(crate) fn succeeded(&self) {
        self.open_until.store(0, Ordering::Release);
    }

    /// Whether the last try failed.
    pub(crate) fn is_open(&self) -> bool {
        self.open_until.load(Ordering::Acquire) != 0
    }

    fn now(&self) -> u64 {
        millis(self.epoch.elapsed()) + 1
    }
}

fn pause() -> u64 {
    millis(PAUSE)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_probe_after_each_pause() {
        let breaker = Breaker::new();
        assert!(breaker.allows() && !breaker.is_open());
        breaker.failed();
        assert!(!breaker.allows() && breaker.is_open());
        std::thread::sleep(PAUSE + Duration::from_millis(20));
        assert!(breaker.allows());
        assert!(!breaker.allows());
        breaker.succeeded();
        assert!(breaker.allows() && breaker.allows());
    }
}
