//! How long a change takes and how much waits, hop by hop, from the metrics of the running roles.

use std::collections::BTreeMap;

use comfy_table::{Table, presets};
use futures_util::future::join_all;
use onhand_consumers::SinkKind;
use onhand_consumers::runtime::metrics::{COMMIT_TO_SINK_SECONDS, LAG_RECORDS, STAGE_SECONDS};

use super::part::Part;
use super::{Stack, parts, probe, process};

/// The stages and what lies between which hops.
const STAGES: [(&str, &str); 5] = [
    ("capture", "commit -> Debezium"),
    ("publish", "Debezium -> topic"),
    ("fetch", "topic -> consumer"),
    ("queue", "consumer -> batch"),
    ("write", "batch -> sink"),
];
const SLOT_LAG: &str = "onhand_replication_slot_lag_bytes";
const SLOT_ACTIVE: &str = "onhand_replication_slot_active";

/// One line of the text format.
#[derive(Debug, Clone, PartialEq)]
struct Sample {
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

/// What the roles say about the way of a change; empty if none of them runs.
pub(super) async fn report(stack: &Stack) -> String {
    let roles = parts::all().into_iter().filter(is_measured);
    let texts = join_all(roles.map(|part| metrics(stack, part))).await;
    let samples: Vec<Sample> = texts.iter().flatten().flat_map(|text| samples(text)).collect();
    let mut report = String::new();
    let sinks = sinks(&samples);
    if !sinks.is_empty() {
        report.push_str(&format!("\n{}\n", table(&samples, &sinks)));
    }
    for slot in samples.iter().filter(|sample| sample.name == SLOT_LAG) {
        let name = slot.label("slot");
        let read = samples
            .iter()
            .any(|sample| sample.name == SLOT_ACTIVE && sample.label("slot") == name && sample.value > 0.0);
        let state = if read { "" } else { ", and nobody reads it" };
        report.push_str(&format!(
            "slot {name}: {:.1} MB not confirmed{state}\n",
            slot.value / 1e6
        ));
    }
    report
}

/// The roles of the product itself, which serve metrics on the last of their ports.
fn is_measured(part: &Part) -> bool {
    part.name == "api" || SinkKind::ALL.iter().any(|kind| kind.name() == part.name)
}

async fn metrics(stack: &Stack, part: Part) -> Option<String> {
    process::recorded(&stack.layout, part.name)?;
    let port = (part.ports)(stack).last().copied()?;
    let url = format!("http://127.0.0.1:{port}/metrics");
    probe::http(&stack.http, &url).await.ok()
}

fn sinks(samples: &[Sample]) -> Vec<&str> {
    let mut sinks: Vec<&str> = samples
        .iter()
        .filter(|sample| sample.name == LAG_RECORDS)
        .map(|sample| sample.label("sink"))
        .collect();
    sinks.sort_unstable();
    sinks.dedup();
    sinks
}

fn table(samples: &[Sample], sinks: &[&str]) -> Table {
    let mut table = Table::new();
    let head = ["LAG, p50 / p99 since start".to_owned()];
    table
        .load_style(presets::NOTHING)
        .set_header(head.into_iter().chain(sinks.iter().map(|sink| (*sink).to_uppercase())));
    for (stage, hops) in STAGES {
        let cells = sinks.iter().map(|sink| {
            times(samples, STAGE_SECONDS, |sample| {
                sample.label("sink") == *sink && sample.label("stage") == stage
            })
        });
        table.add_row([hops.to_owned()].into_iter().chain(cells));
    }
    let whole = sinks
        .iter()
        .map(|sink| times(samples, COMMIT_TO_SINK_SECONDS, |sample| sample.label("sink") == *sink));
    table.add_row(["commit -> sink".to_owned()].into_iter().chain(whole));
    let behind = sinks.iter().map(|sink| {
        let lags = samples
            .iter()
            .filter(|sample| sample.name == LAG_RECORDS && sample.label("sink") == *sink);
        format!("{:.0}", lags.map(|sample| sample.value).sum::<f64>())
    });
    table.add_row(["records behind".to_owned()].into_iter().chain(behind));
    table
}

/// Median and 99th percentile of a histogram, in words.
fn times(samples: &[Sample], name: &str, wanted: impl Fn(&Sample) -> bool) -> String {
    let buckets = buckets(samples, name, wanted);
    match (quantile(&buckets, 0.5), quantile(&buckets, 0.99)) {
        (Some(median), Some(high)) => format!("{} / {}", milliseconds(median), milliseconds(high)),
        _ => "-".to_owned(),
    }
}

fn milliseconds(seconds: f64) -> String {
    if seconds.is_infinite() {
        return "> 1 min".to_owned();
    }
    format!("{:.1} ms", seconds * 1_000.0)
}

/// Upper bounds with the number of values up to each, over all series that are wanted.
fn buckets(samples: &[Sample], name: &str, wanted: impl Fn(&Sample) -> bool) -> Vec<(f64, f64)> {
    let name = format!("{name}_bucket");
    let mut buckets: Vec<(f64, f64)> = Vec::new();
    for sample in samples.iter().filter(|sample| sample.name == name && wanted(sample)) {
        let bound = match sample.label("le") {
            "+Inf" => f64::INFINITY,
            bound => bound.parse().unwrap_or(f64::INFINITY),
        };
        match buckets.iter_mut().find(|(held, _)| held.total_cmp(&bound).is_eq()) {
            Some((_, count)) => *count += sample.value,
            None => buckets.push((bound, sample.value)),
        }
    }
    buckets.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    buckets
}

/// Where a share of the values ends: evenly spread within its bucket, as Prometheus takes them to be.
fn quantile(buckets: &[(f64, f64)], share: f64) -> Option<f64> {
    let (_, all) = buckets.last().filter(|(_, all)| *all > 0.0)?;
    let rank = share * all;
    let (mut below, mut counted) = (0.0, 0.0);
    for (bound, count) in buckets {
        if *count >= rank {
            let within = (rank - counted) / (count - counted);
            return Some(if bound.is_infinite() {
                *bound
            } else {
                below + (bound - below) * within
            });
        }
        (below, counted) = (*bound, *count);
    }
    None
}

impl Sample {
    fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }
}

fn samples(text: &str) -> Vec<Sample> {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(sample)
        .collect()
}

/// `name{label="value",...} number`. Our own labels hold no quotes and no commas.
fn sample(line: &str) -> Option<Sample> {
    let (series, value) = line.rsplit_once(' ')?;
    let (name, labels) = match series.split_once('{') {
        Some((name, rest)) => (name, rest.strip_suffix('}')?),
        None => (series, ""),
    };
    let labels = labels
        .split(',')
        .filter_map(|pair| pair.split_once('='))
        .map(|(label, value)| (label.to_owned(), value.trim_matches('"').to_owned()))
        .collect();
    Some(Sample {
        name: name.to_owned(),
        labels,
        value: value.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# TYPE onhand_consumer_stage_seconds histogram
onhand_consumer_stage_seconds_bucket{sink=\"cache\",stage=\"capture\",le=\"0.001\"} 0
onhand_consumer_stage_seconds_bucket{sink=\"cache\",stage=\"capture\",le=\"0.005\"} 50
onhand_consumer_stage_seconds_bucket{sink=\"cache\",stage=\"capture\",le=\"0.01\"} 100
onhand_consumer_stage_seconds_bucket{sink=\"cache\",stage=\"capture\",le=\"+Inf\"} 100
onhand_consumer_lag_records{sink=\"cache\",topic=\"t\",partition=\"0\"} 3
onhand_consumer_lag_records{sink=\"cache\",topic=\"t\",partition=\"1\"} 4
plain 7";

    #[test]
    fn lines_are_read_with_and_without_labels() {
        let samples = samples(TEXT);
        assert_eq!(samples.len(), 7);
        assert_eq!(samples.first().map(|first| first.label("le")), Some("0.001"));
        assert_eq!(samples.last().map(|last| last.value), Some(7.0));
        assert_eq!(sinks(&samples), ["cache"]);
    }

    #[test]
    fn quantiles_are_spread_within_their_bucket() {
        let samples = samples(TEXT);
        let words = times(&samples, STAGE_SECONDS, |sample| sample.label("stage") == "capture");
        assert_eq!(words, "5.0 ms / 9.9 ms");
        assert_eq!(times(&samples, STAGE_SECONDS, |_| false), "-");
        assert_eq!(quantile(&[(0.5, 0.0), (f64::INFINITY, 2.0)], 0.5), Some(f64::INFINITY));
    }

    #[test]
    fn the_table_has_a_column_for_each_sink_and_the_sum_of_what_waits() {
        let samples = samples(TEXT);
        let text = table(&samples, &sinks(&samples)).to_string();
        assert!(
            text.contains("CACHE") && text.contains("records behind") && text.contains('7'),
            "{text}"
        );
    }
}
