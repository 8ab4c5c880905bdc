//! All models against Postgres, as `onhand verify` compares them.

use std::time::Duration;

use anyhow::{Context, Result};
use onhand_consumers::verify::{Options, Report, Verifier, metrics};

use super::site::Site;
use crate::stack;

/// How long a model that is behind is waited for.
const WAIT: Duration = Duration::from_secs(60);

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Compared {
    /// Keys that differ.
    pub(super) differences: u64,
    /// Keys of which nothing is known yet.
    pub(super) behind: u64,
    /// The same for a reader.
    pub(super) text: String,
}

impl Compared {
    /// Whether everything is known and equal.
    pub(super) fn is_equal(&self) -> bool {
        self.differences == 0 && self.behind == 0
    }
}

impl From<Report> for Compared {
    fn from(report: Report) -> Self {
        let behind = report.stores.values().map(|store| store.behind);
        let known = behind.fold(0_u64, u64::saturating_add);
        Self {
            differences: report.count(),
            // A model may say that it is behind although it names no key.
            behind: if report.is_complete() { 0 } else { known.max(1) },
            text: report.to_string().trim_end().replace('\n', "; "),
        }
    }
}

/// Compares everything once, under whatever load there is. Changes nothing.
pub(super) async fn compare(site: &Site) -> Result<Compared> {
    let options = Options {
        wait: WAIT,
        page_items: site.settings.verify.page_items,
        ..Options::default()
    };
    let report = Verifier::new(&site.settings.targets())?.verify(&options).await?;
    Ok(report.into())
}

/// The part that compares all the time: what it puts right, a comparison after it does not find.
pub(super) struct Duty {
    http: reqwest::Client,
    url: String,
}

impl Duty {
    /// That of the local stack.
    pub(super) fn new(site: &Site) -> Result<Self> {
        Ok(Self {
            http: site.http.clone(),
            url: stack::local_verify_metrics()?,
        })
    }

    /// Differences that it has put right since it was started.
    pub(super) async fn repaired(&self) -> Result<u64> {
        let answer = self.http.get(&self.url).send().await;
        let answer = answer.context("the part verify does not answer; `onhand up` starts it")?;
        Ok(repaired(&answer.error_for_status()?.text().await?))
    }
}

fn repaired(text: &str) -> u64 {
    text.lines()
        .filter_map(|line| line.strip_prefix(metrics::REPAIRED))
        .filter_map(|rest| rest.rsplit_once(' ')?.1.parse::<u64>().ok())
        .fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use onhand_consumers::verify::{Kind, Store, StoreReport};

    use super::*;

    #[test]
    fn repairs_of_all_stores_are_added() {
        let text = "# TYPE onhand_verify_repaired_total counter\n\
            onhand_verify_repaired_total{store=\"redis\",kind=\"stale\"} 3\n\
            onhand_verify_repaired_total{store=\"elasticsearch\",kind=\"missing\"} 4\n\
            onhand_verify_differences_total{store=\"redis\",kind=\"stale\"} 9\n";
        assert_eq!(repaired(text), 7);
    }

    #[test]
    fn a_model_that_is_behind_is_not_called_equal() {
        let mut report = Report::default();
        assert!(Compared::from(report.clone()).is_equal());
        let store = StoreReport {
            lag: "the consumer is 7 records behind".to_owned(),
            ..StoreReport::default()
        };
        report.stores.insert(Store::Redis, store);
        let behind = Compared::from(report.clone());
        assert!(!behind.is_equal() && behind.differences == 0, "{behind:?}");
        let store = StoreReport {
            found: [(Kind::Stale, 2)].into(),
            ..StoreReport::default()
        };
        report.stores.insert(Store::Redis, store);
        assert_eq!(Compared::from(report).differences, 2);
    }
}
