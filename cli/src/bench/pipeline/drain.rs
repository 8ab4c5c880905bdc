//! Draining a backlog into a store, against the ceiling of that store.

use anyhow::{Context, Result};
use onhand_consumers::SinkKind;
use onhand_consumers::cache::{self, StockCache};
use onhand_consumers::search::Replay;

use super::super::figures::{self, Series};
use super::super::progress;
use super::super::report::{Comparison, Contender, Goal, Part, Unit};
use super::backlog::Backlog;
use super::bare::Loaded;
use super::flow::Flow;
use super::kafka;
use super::running::Running;
use super::site::{Place, Site};
use super::{check, turns};

/// A store that is drained into, with the consumer that does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Store {
    /// By the consumer `cache`.
    Redis,
    /// By the consumer `search`.
    Elasticsearch,
}

impl Store {
    /// Both.
    pub(super) const ALL: [Self; 2] = [Self::Redis, Self::Elasticsearch];

    pub(super) const fn sink(self) -> SinkKind {
        match self {
            Self::Redis => SinkKind::Cache,
            Self::Elasticsearch => SinkKind::Search,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Redis => "Redis",
            Self::Elasticsearch => "Elasticsearch",
        }
    }

    /// What a consumer reaches of the ceiling.
    const fn goal(self) -> f64 {
        match self {
            Self::Redis => 0.4,
            Self::Elasticsearch => 0.8,
        }
    }

    const fn bare(self) -> &'static str {
        match self {
            Self::Redis => "bare client, the same guarded batches from memory",
            Self::Elasticsearch => "bare _bulk replay of the same documents from memory",
        }
    }

    /// Makes an empty read model that counts as full, so that nothing is read from Postgres.
    pub(super) async fn prepare(self, place: &Place) -> Result<()> {
        match self {
            Self::Redis => Ok(cache::declare_warm(&StockCache::new(&place.redis)?).await?),
            Self::Elasticsearch => Ok(Replay::new(&place.elasticsearch)?.prepare().await?),
        }
    }

    async fn check(self, site: &Site, backlog: &Backlog, place: &Place) -> Result<()> {
        match self {
            Self::Redis => check::redis(site, backlog, place),
            Self::Elasticsearch => check::elasticsearch(site, backlog, place).await,
        }
    }
}

/// One draining by the product, from the start of the process until all is settled, committed and right.
pub(super) async fn ours(site: &Site, store: Store, backlog: &Backlog) -> Result<Flow> {
    let place = site.place();
    store.prepare(&place).await?;
    let mut consumer = Running::consumer(site, store.sink(), &backlog.prefix, &place)?;
    let flow = consumer.drain(backlog.events).await?;
    kafka::committed(&site.settings.kafka, &place.group, &backlog.topic).await?;
    consumer.stop().await?;
    store.check(site, backlog, &place).await?;
    site.empty(&place).await?;
    Ok(flow)
}

/// The ceiling, ready to be measured again and again.
struct Ceiling {
    store: Store,
    place: Place,
    loaded: Loaded,
}

impl Ceiling {
    async fn new(site: &Site, store: Store, backlog: &Backlog) -> Result<Self> {
        let place = site.place();
        let loaded = match store {
            Store::Redis => Loaded::redis(site, backlog, &place).await?,
            Store::Elasticsearch => Loaded::elasticsearch(site, backlog, &place).await?,
        };
        Ok(Self { store, place, loaded })
    }

    async fn measure(&self, site: &Site, backlog: &Backlog) -> Result<f64> {
        self.store.prepare(&self.place).await?;
        let rate = match self.store {
            Store::Redis => tokio::task::block_in_place(|| self.loaded.send_to_redis(site))?,
            Store::Elasticsearch => self.loaded.send_to_elasticsearch(site).await?,
        };
        self.store.check(site, backlog, &self.place).await?;
        site.empty(&self.place).await?;
        Ok(rate)
    }
}

/// Product and ceiling in turns. Answers also what was seen of the product's process.
pub(super) async fn run(site: &Site, store: Store, backlog: &Backlog, rounds: u16) -> Result<(Part, Vec<Flow>)> {
    let ceiling = Ceiling::new(site, store, backlog).await?;
    let (mut flows, mut bare) = (Vec::new(), Vec::new());
    for is_ours in turns(rounds) {
        if is_ours {
            let flow = ours(site, store, backlog).await?;
            progress(format_args!(
                "{} into {}: {:.0} events/s",
                store.sink().name(),
                store.name(),
                flow.rate
            ));
            flows.push(flow);
        } else {
            let rate = ceiling.measure(site, backlog).await?;
            progress(format_args!("bare into {}: {rate:.0} events/s", store.name()));
            bare.push(rate);
        }
    }
    let part = part(store, backlog, &flows, (bare, ceiling.loaded.rows_per_request()))?;
    Ok((part, flows))
}

fn part(store: Store, backlog: &Backlog, flows: &[Flow], (bare, rows): (Vec<f64>, f64)) -> Result<Part> {
    let title = format!("a backlog of {} events into {}", backlog.events, store.name());
    let mut part = Part::new("drain", title);
    let ours = format!("onhand consume {}", store.sink().name());
    for (name, rates) in [
        (ours.as_str(), flows.iter().map(|flow| flow.rate).collect()),
        (store.bare(), bare),
    ] {
        part.contenders.push(Contender {
            name: name.to_owned(),
            unit: Unit::Events,
            series: Series::new(rates).context("there was no round")?,
        });
    }
    let ratio = match (part.median(&ours), part.median(store.bare())) {
        (Some(ours), Some(bare)) => figures::ratio(ours, bare),
        _ => None,
    };
    part.comparisons.push(Comparison::with_goal(
        format!("consumer / bare, {}", store.name()),
        ratio,
        Goal::AtLeast(store.goal()),
    ));
    let whole = Series::new(flows.iter().map(|flow| flow.whole.as_secs_f64()).collect());
    if let Some(whole) = whole {
        let seconds = whole.median();
        part.notes
            .push(format!("with the start of the process it took {seconds:.1} s"));
    }
    part.notes.push(format!(
        "a request of the bare client is 1 batch of records, in which {rows:.0} rows are the newest of their level; a consumer makes its own \
         batches of what waits",
    ));
    Ok(part)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_medians_make_the_ratio() {
        let backlog = Backlog {
            prefix: "p".into(),
            topic: "p.stock_level".into(),
            events: 10,
            last: Vec::new(),
        };
        let flow = |rate| Flow {
            rate,
            per_cpu: 0.0,
            whole: Duration::from_secs(2),
            peak: 0.0,
        };
        let flows = [flow(30_000.0), flow(50_000.0), flow(40_000.0)];
        let part = part(
            Store::Redis,
            &backlog,
            &flows,
            (vec![80_000.0, 100_000.0, 300_000.0], 480.0),
        )
        .unwrap();
        let text = part.to_string();
        assert!(
            text.contains("consumer / bare, Redis: 0.400x (goal >= 0.4: reached)"),
            "{text}"
        );
        assert!(text.contains("events/s") && text.contains("2.0 s"), "{text}");
    }
}
