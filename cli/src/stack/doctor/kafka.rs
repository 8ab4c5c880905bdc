//! Topics and the lag of the consumer groups.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result};
use onhand_cdc::{KafkaConfig, Table, offsets, topics};
use onhand_consumers::letters;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};

use super::Finding;
use crate::stack::Stack;

const TIMEOUT: Duration = Duration::from_secs(5);
/// At the rate at which a consumer drains a backlog, about a second, and about a minute.
const LAG_RECORDS: (f64, f64) = (20_000.0, 1_000_000.0);

pub(super) async fn check(stack: &Stack) -> Result<Vec<Finding>> {
    let brokers = stack.brokers();
    // The client library blocks.
    tokio::task::spawn_blocking(move || {
        Ok(vec![
            topics_exist(&brokers)?,
            lag(&brokers, "lag of cache", topics::GROUP_CACHE, &topics::CACHE_TABLES)?,
            lag(&brokers, "lag of search", topics::GROUP_SEARCH, &topics::SEARCH_TABLES)?,
            lag(
                &brokers,
                "lag of publish",
                topics::GROUP_PUBLISH,
                &topics::PUBLISH_TABLES,
            )?,
            lag_of(&brokers, "lag of ingest", topics::GROUP_INGEST, &topics::INGEST_TOPICS)?,
            lag(&brokers, "lag of alerts", topics::GROUP_ALERTS, &topics::ALERTS_TABLES)?,
            dead_letters(&brokers)?,
        ])
    })
    .await
    .context("the check broke off")?
}

fn client(brokers: &str, group: &str) -> Result<BaseConsumer> {
    ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", group)
        .set("enable.auto.commit", "false")
        .set("log_level", "0")
        .create()
        .context("no kafka client")
}

fn topics_exist(brokers: &str) -> Result<Finding> {
    const WHAT: &str = "topics";
    let metadata = client(brokers, "onhand.doctor")?
        .fetch_metadata(None, TIMEOUT)
        .context("no metadata from kafka")?;
    let missing: Vec<String> = topics::all()
        .into_iter()
        .map(|spec| spec.name)
        .filter(|name| metadata.topics().iter().all(|topic| topic.name() != name))
        .collect();
    Ok(if missing.is_empty() {
        Finding::ok(WHAT, format!("all {} exist", topics::all().len()))
    } else {
        Finding::fail(WHAT, format!("missing: {}", missing.join(", ")), "onhand up topics")
    })
}

fn lag(brokers: &str, what: &'static str, group: &str, tables: &[Table]) -> Result<Finding> {
    let topics: Vec<String> = tables.iter().map(|table| table.topic()).collect();
    lag_of(brokers, what, group, &topics)
}

fn lag_of(brokers: &str, what: &'static str, group: &str, topics: &[impl AsRef<str>]) -> Result<Finding> {
    let client = client(brokers, group)?;
    let partitions = offsets::partitions(&client, topics, TIMEOUT)?;
    let marks = offsets::marks(&client, &partitions, TIMEOUT)?;
    let committed = offsets::committed(&client, &partitions, TIMEOUT)?;
    let (behind, started) = (offsets::behind(&marks, &partitions, &committed), !committed.is_empty());
    let fix = "the consumer is stopped or slow: onhand status, onhand logs";
    if !started && behind > 0 {
        return Ok(Finding::warn(
            what,
            format!("{behind} records, and nothing read yet"),
            fix,
        ));
    }
    let records = u32::try_from(behind).map_or(f64::MAX, f64::from);
    Ok(Finding::by_bounds(
        what,
        format!("{behind} records"),
        records,
        LAG_RECORDS,
        fix,
    ))
}

/// Records that were given up are a finding until somebody has sent them again or dropped them.
fn dead_letters(brokers: &str) -> Result<Finding> {
    const WHAT: &str = "dead letters";
    /// More need not be counted to say that there are many.
    const COUNTED: u64 = 1_000;
    let config = KafkaConfig {
        brokers: brokers.to_owned(),
        ..KafkaConfig::default()
    };
    let closed = letters::read_closed(&config)?;
    let mut walk = letters::walk(&config, &letters::Filter::default())?;
    let mut found: BTreeMap<String, u64> = BTreeMap::new();
    let mut total: u64 = 0;
    while total < COUNTED
        && let Some(letter) = walk.next(&closed)?
    {
        // Who sent a refused command was answered there: that is no finding.
        if letter.id.topic == topics::STOCK_FAILURES {
            continue;
        }
        total += 1;
        *found.entry(letter.id.topic).or_default() += 1;
    }
    if total == 0 {
        return Ok(Finding::ok(WHAT, "none open"));
    }
    let more = if total == COUNTED { " or more" } else { "" };
    let counts: Vec<String> = found
        .iter()
        .map(|(topic, count)| format!("{count}{more} in {topic}"))
        .collect();
    Ok(Finding::warn(
        WHAT,
        counts.join(", "),
        "onhand dlq list says why; then onhand dlq redrive or drop; they are kept for 30 days",
    ))
}
