//! How fast orders are replayed.

use std::str::FromStr;
use std::time::{Duration, Instant};

use jiff::Timestamp;

/// As fast as it goes, or a multiple of real time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Speed {
    /// Without waiting.
    Max,
    /// So many seconds of the file in one second.
    Times(f64),
}

impl FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.eq_ignore_ascii_case("max") {
            return Ok(Self::Max);
        }
        match text.strip_suffix(['x', 'X']).unwrap_or(text).parse::<f64>() {
            Ok(times) if times.is_finite() && times >= 0.001 => Ok(Self::Times(times)),
            _ => Err("must be max, or a multiple of real time such as 1000".to_owned()),
        }
    }
}

/// A clock that runs at that speed from the first event on.
#[derive(Debug)]
pub(crate) struct Pace {
    speed: Speed,
    start: Option<(Instant, Timestamp)>,
}

impl Pace {
    /// Begins with the first event that is asked about.
    pub(crate) fn new(speed: Speed) -> Self {
        Self { speed, start: None }
    }

    /// How long to wait until something of this time is due; zero if it is.
    pub(crate) fn wait(&mut self, at: Timestamp, now: Instant) -> Duration {
        let Speed::Times(times) = self.speed else {
            return Duration::ZERO;
        };
        let (began, first) = *self.start.get_or_insert((now, at));
        let seconds = at.duration_since(first).as_secs_f64().max(0.0) / times;
        // Longer than a century is as good as for ever, and must not overflow.
        let due = Duration::try_from_secs_f64(seconds.min(3.2e9)).unwrap_or(Duration::ZERO);
        due.saturating_sub(now.saturating_duration_since(began))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn speeds_are_read() {
        assert_eq!("max".parse(), Ok(Speed::Max));
        assert_eq!("1000".parse(), Ok(Speed::Times(1000.0)));
        assert_eq!("2.5x".parse(), Ok(Speed::Times(2.5)));
        for text in ["0", "-1", "fast", "inf", "NaN", ""] {
            assert!(text.parse::<Speed>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_thousand_seconds_take_one_at_a_thousand_times() {
        let (now, at): (_, Timestamp) = (Instant::now(), "2021-03-01T08:00:00Z".parse().unwrap());
        let mut pace = Pace::new(Speed::Times(1000.0));
        let later = at.checked_add(jiff::SignedDuration::from_secs(1000)).unwrap();
        assert_eq!(pace.wait(at, now), Duration::ZERO);
        assert_eq!(pace.wait(later, now), Duration::from_secs(1));
        assert_eq!(
            pace.wait(later, now + Duration::from_millis(400)),
            Duration::from_millis(600)
        );
        assert_eq!(pace.wait(later, now + Duration::from_secs(9)), Duration::ZERO);
        // Something from before the beginning is due at once.
        assert_eq!(pace.wait("2020-01-01T00:00:00Z".parse().unwrap(), now), Duration::ZERO);
        assert_eq!(Pace::new(Speed::Max).wait(later, now), Duration::ZERO);
    }
}
