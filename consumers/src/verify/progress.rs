//! How far the pipeline has got: whether a read model has had the time to reach what Postgres said.
//!
//! Time alone does not tell. What was committed before a mark has reached a read model when the replication slot has passed the
//! mark, and the consumer's group has then committed offsets up to the end of its topics. What is still missing then, is missing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use onhand_cdc::KafkaConfig;
use onhand_cdc::offsets::{self, Partition};
use onhand_db::migrate::SLOT;
use rdkafka::consumer::BaseConsumer;
use rdkafka::error::KafkaError;

use super::source::Source;
use super::{Store, VerifyError};
use crate::config::SinkKind;

/// Longest wait for one answer of Kafka.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Where each partition ended.
type Ends = BTreeMap<Partition, i64>;

/// What a store is fed by.
#[derive(Debug, Clone)]
struct Feed {
    kafka: KafkaConfig,
    group: String,
    topics: Vec<String>,
}

/// A point in the write-ahead log, followed through the pipeline into one store.
#[derive(Debug)]
pub(super) struct Mark {
    lsn: String,
    feed: Feed,
    ends: Option<Arc<Ends>>,
    reached: bool,
}

/// The pipelines of all stores.
#[derive(Debug, Clone)]
pub(super) struct Progress {
    kafka: KafkaConfig,
    topic_prefix: String,
}

impl Progress {
    pub(super) fn new(kafka: &KafkaConfig, topic_prefix: &str) -> Self {
        Self {
            kafka: kafka.clone(),
            topic_prefix: topic_prefix.to_owned(),
        }
    }

    /// A mark at the present end of the log. Nothing feeds the ledger: it is where it is.
    pub(super) async fn mark(&self, source: &Source, store: Store) -> Result<Option<Mark>, VerifyError> {
        let kind = match store {
            Store::Redis => SinkKind::Cache,
            Store::Elasticsearch => SinkKind::Search,
            Store::Ledger => return Ok(None),
        };
        let client = source.client().await?;
        let row = client
            .query_one("select pg_current_wal_insert_lsn()::text", &[])
            .await?;
        let topics = kind
            .tables()
            .iter()
            .map(|table| format!("{}.{}", self.topic_prefix, table.name()));
        Ok(Some(Mark {
            lsn: row.try_get(0)?,
            feed: Feed {
                kafka: self.kafka.clone(),
                group: kind.group().to_owned(),
                topics: topics.collect(),
            },
            ends: None,
            reached: false,
        }))
    }
}

impl Mark {
    /// Whether the store has it; else what it waits for.
    pub(super) async fn reached(&mut self, source: &Source) -> Result<Result<(), String>, VerifyError> {
        if self.reached {
            return Ok(Ok(()));
        }
        let ends = match &self.ends {
            Some(ends) => Arc::clone(ends),
            None => {
                if let Err(why) = self.captured(source).await? {
                    return Ok(Err(why));
                }
                match blocking(self.feed.clone(), |feed| feed.ends()).await {
                    Ok(ends) => Arc::clone(self.ends.insert(Arc::new(ends))),
                    Err(why) => return Ok(Err(why)),
                }
            }
        };
        let behind = blocking(self.feed.clone(), move |feed| feed.behind(&ends)).await;
        Ok(match behind {
            Ok(0) => {
                self.reached = true;
                Ok(())
            }
            Ok(records) => Err(format!("{} is {records} records behind", self.feed.group)),
            Err(why) => Err(why),
        })
    }

    /// Whether the slot has passed the mark.
    async fn captured(&self, source: &Source) -> Result<Result<(), String>, VerifyError> {
        let client = source.client().await?;
        let statement = client
            .prepare_cached(
                "select confirmed_flush_lsn >= $1::text::pg_lsn, ($1::text::pg_lsn - confirmed_flush_lsn)::bigint \
                 from pg_replication_slots where slot_name = $2",
            )
            .await?;
        let Some(row) = client.query_opt(&statement, &[&self.lsn, &SLOT]).await? else {
            return Ok(Err("there is no replication slot".to_owned()));
        };
        let (passed, bytes): (Option<bool>, Option<i64>) = (row.try_get(0)?, row.try_get(1)?);
        Ok(if passed == Some(true) {
            Ok(())
        } else {
            Err(format!("the capture of changes is {} bytes behind", bytes.unwrap_or(0)))
        })
    }
}

async fn blocking<T, F>(feed: Feed, ask: F) -> Result<T, String>
where
    T: Send + 'static,
    F: FnOnce(&Feed) -> Result<T, KafkaError> + Send + 'static,
{
    match tokio::task::spawn_blocking(move || ask(&feed)).await {
        Ok(answer) => answer.map_err(|error| format!("kafka does not answer: {error}")),
        Err(error) => Err(error.to_string()),
    }
}

impl Feed {
    /// Reads offsets of the group without being a member of it.
    fn consumer(&self) -> Result<BaseConsumer, KafkaError> {
        self.kafka
            .client()
            .set("group.id", &self.group)
            .set("enable.auto.commit", "false")
            .create()
    }

    fn ends(&self) -> Result<Ends, KafkaError> {
        let consumer = self.consumer()?;
        let partitions = offsets::partitions(&consumer, &self.topics, TIMEOUT)?;
        let marks = offsets::marks(&consumer, &partitions, TIMEOUT)?;
        Ok(marks
            .into_iter()
            .filter(|(_, marks)| marks.high > marks.low)
            .map(|(partition, marks)| (partition, marks.high))
            .collect())
    }

    /// How many records the group has still to settle.
    fn behind(&self, ends: &Ends) -> Result<i64, KafkaError> {
        if ends.is_empty() {
            return Ok(0);
        }
        let asked: Vec<Partition> = ends.keys().cloned().collect();
        let committed = offsets::committed(&self.consumer()?, &asked, TIMEOUT)?;
        let left = |(partition, end): (&Partition, &i64)| (end - committed.get(partition).copied().unwrap_or(0)).max(0);
        Ok(ends.iter().map(left).fold(0, i64::saturating_add))
    }
}
