//! Pauses between attempts, and the breaker that stops attempts that are bound to fail.

use std::time::Duration;

use rand::Rng;

use super::config::RuntimeConfig;

/// Pauses that double from `min` to `max`, each shortened by a random part, so that many
/// consumers do not come back at the same instant.
#[derive(Debug)]
pub(crate) struct Backoff {
    min: Duration,
    max: Duration,
    attempts: u32,
}

impl Backoff {
    pub(crate) fn new(config: &RuntimeConfig) -> Self {
        Self {
            min: Duration::from_millis(config.retry_min_ms),
            max: Duration::from_millis(config.retry_max_ms),
            attempts: 0,
        }
    }

    /// Failures so far.
    pub(crate) fn attempts(&self) -> u32 {
        self.attempts
    }

    /// The next pause; counts the failure.
    pub(crate) fn next(&mut self) -> Duration {
        let factor = 1_u32 << self.attempts.min(16);
        self.attempts = self.attempts.saturating_add(1);
        let full = self.min.saturating_mul(factor).min(self.max);
        full.mul_f64(rand::rng().random_range(0.5..=1.0))
    }
}

/// State of the breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Breaker {
    /// Batches go to the sink.
    Closed,
    /// Too many failures: only probes go to the sink.
    Open,
    /// A probe went through: the batch is tried once.
    Trying,
}

impl Breaker {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::Trying => "trying",
        }
    }

    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Closed => 0,
            Self::Open => 1,
            Self::Trying => 2,
        }
    }

    /// After an attempt that failed for the `failures`-th time in a row.
    pub(crate) fn after_failure(self, failures: u32, limit: u32) -> Self {
        match self {
            Self::Closed if failures < limit => Self::Closed,
            _ => Self::Open,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_the_limit_and_never_beyond() {
        let mut backoff = Backoff::new(&RuntimeConfig::default());
        let first = backoff.next();
        assert!(first >= Duration::from_millis(25) && first <= Duration::from_millis(50));
        for _ in 0..100 {
            assert!(backoff.next() <= Duration::from_secs(2));
        }
        assert!(backoff.next() >= Duration::from_millis(1000));
        assert_eq!(backoff.attempts(), 102);
    }

    #[test]
    fn the_breaker_opens_at_the_limit_and_again_after_a_failed_trial() {
        assert_eq!(Breaker::Closed.after_failure(4, 5), Breaker::Closed);
        assert_eq!(Breaker::Closed.after_failure(5, 5), Breaker::Open);
        assert_eq!(Breaker::Trying.after_failure(1, 5), Breaker::Open);
    }
}
