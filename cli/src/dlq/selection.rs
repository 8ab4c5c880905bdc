//! Which letters a command means.

use std::str::FromStr;

use anyhow::{Context, Result, ensure};
use clap::Args;
use jiff::{SignedDuration, Timestamp};
use onhand_consumers::letters::{Filter, LetterId, Wanted};

/// Conditions that all hold; none means every letter.
#[derive(Debug, Default, Args)]
pub(super) struct Selection {
    /// These letters, as `onhand dlq list` names them: topic/partition/offset
    ids: Vec<LetterId>,
    /// Topic that the record came from, or the dead-letter topic; `*` stands for anything
    #[arg(long)]
    topic: Option<String>,
    /// Consumer group that gave the record up
    #[arg(long)]
    group: Option<String>,
    /// Partition that the record came from
    #[arg(long)]
    partition: Option<i32>,
    /// Offsets that the records had: 17, 17..42 (both included), 17.. or ..42
    #[arg(long, value_name = "RANGE")]
    offsets: Option<Offsets>,
    /// Part of the reason, in upper or lower case
    #[arg(long)]
    reason: Option<String>,
    /// Given up at this time or later: 2026-01-31T12:00:00Z, or 2h30m for so long ago
    #[arg(long, value_name = "TIME")]
    since: Option<Moment>,
    /// Given up before this time
    #[arg(long, value_name = "TIME")]
    until: Option<Moment>,
}

impl Selection {
    /// As the filter that finds them.
    pub(super) fn filter(self, wanted: Wanted) -> Result<Filter> {
        let offsets = self.offsets.unwrap_or_default();
        if let (Some(since), Some(until)) = (&self.since, &self.until) {
            ensure!(since.0 < until.0, "--since must be before --until");
        }
        Ok(Filter {
            ids: self.ids,
            topic: self.topic,
            group: self.group,
            partition: self.partition,
            from_offset: offsets.from,
            to_offset: offsets.to,
            reason: self.reason,
            since: self.since.map(|moment| moment.0),
            until: self.until.map(|moment| moment.0),
            wanted,
        })
    }
}

/// A range of offsets, open at either end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Offsets {
    from: Option<i64>,
    to: Option<i64>,
}

impl FromStr for Offsets {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let number = |part: &str| -> Result<Option<i64>> {
            if part.is_empty() {
                return Ok(None);
            }
            let offset: i64 = part.parse().with_context(|| format!("{part:?} is no offset"))?;
            ensure!(offset >= 0, "an offset is not negative");
            Ok(Some(offset))
        };
        let range = match text.split_once("..") {
            Some((from, to)) => Self {
                from: number(from)?,
                to: number(to)?,
            },
            None => Self {
                from: number(text)?,
                to: number(text)?,
            },
        };
        ensure!(range != Self::default(), "the range names no offset");
        if let (Some(from), Some(to)) = (range.from, range.to) {
            ensure!(from <= to, "the range ends before it begins");
        }
        Ok(range)
    }
}

/// An instant, or so long ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Moment(Timestamp);

impl FromStr for Moment {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        if let Ok(at) = text.parse::<Timestamp>() {
            return Ok(Self(at));
        }
        let ago: SignedDuration = text
            .parse()
            .with_context(|| format!("{text:?} is neither a time nor a duration"))?;
        ensure!(!ago.is_negative(), "a duration ago is not negative");
        Ok(Self(Timestamp::now().checked_sub(ago)?))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn ranges_are_open_at_either_end() {
        let range = |text: &str| text.parse::<Offsets>().ok().map(|range| (range.from, range.to));
        assert_eq!(range("17"), Some((Some(17), Some(17))));
        assert_eq!(range("17..42"), Some((Some(17), Some(42))));
        assert_eq!(range("17.."), Some((Some(17), None)));
        assert_eq!(range("..42"), Some((None, Some(42))));
        for wrong in ["", "..", "a", "1..b", "42..17", "-1"] {
            assert_eq!(range(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_moment_is_a_time_or_so_long_ago() {
        let at: Moment = "2026-01-31T12:00:00Z".parse().unwrap();
        assert_eq!(at.0.to_string(), "2026-01-31T12:00:00Z");
        let ago: Moment = "2h30m".parse().unwrap();
        let passed = Timestamp::now().duration_since(ago.0);
        assert!((9_000..9_010).contains(&passed.as_secs()), "{passed}");
        assert!("yesterday".parse::<Moment>().is_err());
        assert!("-2h".parse::<Moment>().is_err());
    }
}
