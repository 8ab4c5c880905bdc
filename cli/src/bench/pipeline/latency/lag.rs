//! How far the consumer groups of the product are behind, and the connector.
//!
//! Both are told in what they count, and as the time in which as much is written: a group that reads two topics has more records to
//! read than one that reads one, and neither number says by itself whether it is much.

use std::time::Instant;

use anyhow::Result;
use onhand_cdc::KafkaConfig;
use onhand_consumers::SinkKind;
use onhand_db::{Pool, SlotState};

use super::super::super::report::Unit;
use super::super::kafka::{self, Standing};
use super::super::site::Site;

/// One reader, at one moment.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Lag {
    /// Who reads.
    pub(super) name: &'static str,
    /// What is counted.
    pub(super) unit: Unit,
    /// What it has not read.
    pub(super) behind: f64,
    /// All that was ever written.
    end: f64,
}

/// All readers, at one moment.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sample {
    at: Instant,
    /// The connector first.
    pub(super) lags: Vec<Lag>,
}

/// Where all of them are now.
pub(super) async fn sample(site: &Site, pool: &Pool) -> Result<Sample> {
    let at = Instant::now();
    let mut lags = vec![connector(pool).await?];
    let (config, prefix) = (site.settings.kafka.clone(), site.settings.runtime.topic_prefix.clone());
    lags.extend(kafka::blocking(move || groups(&config, &prefix)).await?);
    Ok(Sample { at, lags })
}

/// Bytes of the log that the connector has not confirmed.
async fn connector(pool: &Pool) -> Result<Lag> {
    let (behind, end) = match onhand_db::slot_state(&pool.get().await?).await? {
        SlotState::Present { lag_bytes, end, .. } => (lag_bytes, end),
        SlotState::Missing | SlotState::Lost { .. } => {
            anyhow::bail!("the replication slot is gone; see `onhand doctor`")
        }
    };
    Ok(Lag {
        name: "replication slot",
        unit: Unit::Memory,
        behind: megabytes(behind),
        end: megabytes(end),
    })
}

fn groups(config: &KafkaConfig, prefix: &str) -> Result<Vec<Lag>> {
    let lag = |kind: SinkKind| {
        let Standing { behind, end } = kafka::standing(config, kind.group(), &kind.topics(prefix))?;
        Ok(Lag {
            name: kind.name(),
            unit: Unit::Records,
            behind: count(behind),
            end: count(end),
        })
    };
    SinkKind::ALL.into_iter().map(lag).collect()
}

impl Sample {
    /// How much further behind a reader is than in an earlier sample, as the milliseconds in which as much was written in between.
    /// None if it is, and nothing was written.
    pub(super) fn grown_since(&self, earlier: &Self, name: &str) -> Option<f64> {
        let find = |sample: &Self| sample.lags.iter().find(|lag| lag.name == name).cloned();
        let (before, now) = (find(earlier)?, find(self)?);
        let grown = now.behind - before.behind;
        if grown <= 0.0 {
            return Some(0.0);
        }
        let millis = self.at.saturating_duration_since(earlier.at).as_secs_f64() * 1_000.0;
        let written = now.end - before.end;
        (written > 0.0).then(|| grown / written * millis)
    }
}

/// Positions are not negative, and no run of this benchmark writes 2^32 of anything: what is beyond shows as the most.
fn count(records: i64) -> f64 {
    f64::from(u32::try_from(records.max(0)).unwrap_or(u32::MAX))
}

fn megabytes(bytes: u64) -> f64 {
    // In kilobytes a position in the log may go up to four terabytes.
    f64::from(u32::try_from(bytes / 1_000).unwrap_or(u32::MAX)) / 1_000.0
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use super::*;

    /// A group that is so far behind, so long after another moment, at a thousand records a second.
    pub(in super::super) fn sample(start: Instant, seconds: u32, behind: f64) -> Sample {
        let lag = |name, unit, behind| Lag {
            name,
            unit,
            behind,
            end: f64::from(seconds) * 1_000.0,
        };
        Sample {
            at: start + Duration::from_secs(u64::from(seconds)),
            lags: vec![
                lag("replication slot", Unit::Memory, 0.5),
                lag("search", Unit::Records, behind),
            ],
        }
    }

    #[test]
    fn growth_is_told_in_time() {
        let start = Instant::now();
        let (first, last) = (sample(start, 10, 500.0), sample(start, 50, 3_500.0));
        assert_eq!(last.grown_since(&first, "search"), Some(3_000.0));
        assert_eq!(last.grown_since(&first, "replication slot"), Some(0.0));
        assert_eq!(last.grown_since(&first, "nobody"), None);
        let faster = sample(start, 50, 100.0);
        assert_eq!(faster.grown_since(&first, "search"), Some(0.0));
    }

    #[test]
    fn growth_without_writes_cannot_be_told() {
        let start = Instant::now();
        let (first, last) = (sample(start, 10, 500.0), sample(start, 10, 3_500.0));
        assert_eq!(last.grown_since(&first, "search"), None);
    }
}
