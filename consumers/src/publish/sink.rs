//! The sink: movements and summaries into the public topics.

use async_trait::async_trait;
use onhand_cdc::envelope::{StockMovementRow, StockSummaryRow};
use onhand_cdc::{
    Change, ConfigError, Envelope, KafkaConfig, Operation, RegistryClient, RegistryConfig, RowVersion, topics,
};
use tokio::sync::Mutex;
use uuid::Uuid;

use super::config::{Output, PublishConfig};
use super::contracts::Contracts;
use super::model::{self, Facts, LowStock, Message};
use super::newest::Newest;
use super::producer::{Flight, Publisher};
use super::warm::{Gathered, LevelId, Tables, level_of};
use crate::postgres::RowSource;
use crate::runtime::{Event, Outcome, Sink, SinkError, Warmth};

/// Events whose items are at hand at once: with the largest items that there can be some 20 MB.
const PART: usize = 200;

/// Publishes the contracts of other teams.
#[derive(Debug)]
pub struct PublishSink {
    config: PublishConfig,
    kafka: KafkaConfig,
    registry: RegistryClient,
    publisher: Publisher,
    contracts: Contracts,
    tables: Mutex<Tables>,
}

impl PublishSink {
    /// Connects when it is first needed.
    ///
    /// # Errors
    /// A setting that cannot work.
    pub fn new(
        config: &PublishConfig,
        kafka: &KafkaConfig,
        registry: &RegistryConfig,
        rows: RowSource,
    ) -> Result<Self, ConfigError> {
        config.validate()?;
        let registry =
            RegistryClient::new(registry).map_err(|error| ConfigError::new("registry.url", error.to_string()))?;
        let publisher = Publisher::new(kafka, topics::GROUP_PUBLISH, config)
            .map_err(|error| ConfigError::new("kafka", error.to_string()))?;
        Ok(Self {
            publisher,
            registry,
            contracts: Contracts::new()?,
            tables: Mutex::new(Tables::new(rows, config)),
            kafka: kafka.clone(),
            config: config.clone(),
        })
    }

    /// The topics of the outputs that are on.
    async fn ensure_topics(&self) -> Result<(), SinkError> {
        let mut specs = topics::published();
        specs.push(topics::environment_events(self.config.env));
        topics::ensure_these(&self.kafka, &specs)
            .await
            .map(drop)
            .map_err(|error| SinkError::Transient(error.to_string()))
    }

    async fn publish(
        &self,
        tables: &mut Tables,
        batch: &[&Event],
        flight: &mut Flight<'_>,
    ) -> Result<Published, SinkError> {
        let newest = Newest::of(batch);
        let mut published = Published::default();
        for (number, part) in batch.chunks(PART).enumerate() {
            let gathered = tables.gather(part).await?;
            for (place, event) in part.iter().enumerate() {
                let index = number * PART + place;
                let subject = Subject {
                    index,
                    place,
                    gathered: &gathered,
                    newest: &newest,
                };
                match self.messages(tables, event, &subject, &mut published) {
                    Ok(messages) => {
                        let known = matches!(event.change, Change::Item(_) | Change::Location(_));
                        let settled = if messages.is_empty() && !known {
                            Outcome::Stale
                        } else {
                            Outcome::Applied
                        };
                        for message in messages {
                            flight.send(index, message).await?;
                        }
                        published.outcomes.push(settled);
                    }
                    Err(reason) => published.outcomes.push(Outcome::Poison(reason)),
                }
            }
            tables.learn(gathered);
        }
        Ok(published)
    }

    /// The records of one event; an error says why it is none that can be published.
    fn messages(
        &self,
        tables: &mut Tables,
        event: &Event,
        subject: &Subject<'_>,
        published: &mut Published,
    ) -> Result<Vec<Message>, String> {
        match &event.change {
            Change::StockMovement(envelope) => self.movement(tables, envelope, subject, published),
            Change::StockSummary(envelope) => self.summary(tables, envelope, subject, published),
            Change::Item(_) | Change::Location(_) => Ok(Vec::new()),
            _ => Err("only movements, summaries, items and locations are published".to_owned()),
        }
    }

    fn movement(
        &self,
        tables: &mut Tables,
        envelope: &Envelope<StockMovementRow>,
        subject: &Subject<'_>,
        published: &mut Published,
    ) -> Result<Vec<Message>, String> {
        let snapshot = match envelope.op {
            Operation::Create => false,
            Operation::Read => true,
            other => return Err(format!("the ledger is append-only, and this is {other:?}")),
        };
        let movement = envelope.after.as_ref().ok_or("movement without a row")?;
        if !movement.version.is_valid() {
            return Err("movement without a row version".to_owned());
        }
        let item = subject.item(movement.item_id)?;
        let facts = subject
            .gathered
            .facts(movement, item)
            .ok_or("movement without a time")?;
        let mut messages = Vec::new();
        if self.config.has(Output::State) {
            let level = level_of(movement);
            if subject.is_newest_state(&level, movement, snapshot) && tables.state_of(&level) < Some(movement.version) {
                let (encoder, id) = self.contracts.state()?;
                messages.push(model::state(&facts, &self.config.source, encoder, id).map_err(text)?);
                published.states.push((level, movement.version));
            }
        }
        if !snapshot {
            self.events(&facts, subject, &mut messages)?;
        }
        Ok(messages)
    }

    /// The events of a movement, which a snapshot never makes.
    fn events(&self, facts: &Facts<'_>, subject: &Subject<'_>, messages: &mut Vec<Message>) -> Result<(), String> {
        let source = self.config.source.as_str();
        let low = subject
            .gathered
            .settings(subject.place)
            .and_then(|(before, after)| LowStock::edge(facts, before, after));
        if self.config.has(Output::StockEvents) {
            let (encoder, id) = self.contracts.stock_updated()?;
            messages.push(model::stock_updated(facts, source, encoder, id).map_err(text)?);
        }
        if self.config.has(Output::CatalogueEvents) {
            let environment = self.config.env;
            messages.extend(model::stock_level_changed(facts, source, environment).map_err(text)?);
            if let Some(low) = low {
                messages.push(model::low_stock_alert(facts, low, source, environment).map_err(text)?);
            }
        }
        if self.config.has(Output::CloudEvents) {
            messages.extend(model::stock_changes(facts, source).map_err(text)?);
            if let Some(low) = low {
                messages.push(model::low_stock(facts, low, source).map_err(text)?);
            }
        }
        Ok(())
    }

    fn summary(
        &self,
        tables: &mut Tables,
        envelope: &Envelope<StockSummaryRow>,
        subject: &Subject<'_>,
        published: &mut Published,
    ) -> Result<Vec<Message>, String> {
        if !self.config.has(Output::Aggregates) {
            return Ok(Vec::new());
        }
        let (id, row) = match (envelope.op, &envelope.after, &envelope.before) {
            (Operation::Create | Operation::Update | Operation::Read, Some(after), _) => (after.item_id, Some(after)),
            (Operation::Delete, _, Some(before)) => (before.item_id, None),
            (other, _, _) => return Err(format!("operation {other:?} without a row")),
        };
        let item = subject.item(id)?;
        if let Some(row) = row {
            if !row.version.is_valid() {
                return Err("summary without a row version".to_owned());
            }
            if !subject.is_newest_summary(id) || tables.summary_of(id) >= Some(row.version) {
                return Ok(Vec::new());
            }
        }
        let (encoder, schema) = self.contracts.aggregate()?;
        let message = model::aggregate(row, item, &self.config.source, encoder, schema)?;
        // A summary that is made anew after it was removed may start again at the first version.
        published
            .summaries
            .push((id, row.map_or_else(RowVersion::default, |row| row.version)));
        Ok(vec![message])
    }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

#[async_trait]
impl Sink for PublishSink {
    fn name(&self) -> &'static str {
        "publish"
    }

    /// Topics are made where they are missing; schemas must have been registered (`onhand connect apply`).
    async fn prepare(&self) -> Result<(), SinkError> {
        self.ensure_topics().await?;
        self.contracts.look_up(&self.registry).await
    }

    async fn health(&self) -> Result<(), SinkError> {
        self.publisher.probe(topics::STOCK_EVENTS).await
    }

    /// There is nothing to fill: what is published is in the topics, what is needed is read when it is needed.
    fn warmth(&self) -> Warmth {
        Warmth::Warm
    }

    async fn write(&self, batch: &[&Event]) -> Result<Vec<Outcome>, SinkError> {
        let mut tables = self.tables.lock().await;
        let mut flight = self.publisher.flight();
        let published = self.publish(&mut tables, batch, &mut flight).await;
        // What was sent before a failure must be settled too: nothing of it may arrive after it was sent again.
        let refused = flight.finish().await?;
        let Published {
            mut outcomes,
            states,
            summaries,
        } = published?;
        for (event, reason) in refused {
            if let Some(outcome) = outcomes.get_mut(event) {
                *outcome = Outcome::Poison(reason);
            }
        }
        tables.remember(states, summaries);
        Ok(outcomes)
    }

    async fn tick(&self) -> Result<(), SinkError> {
        Ok(())
    }

    async fn shutdown(&self) {}
}

/// What a batch has made so far.
#[derive(Debug, Default)]
struct Published {
    outcomes: Vec<Outcome>,
    states: Vec<(LevelId, RowVersion)>,
    summaries: Vec<(Uuid, RowVersion)>,
}

/// An event, its place in the batch and in the part, and what it needs.
struct Subject<'a> {
    index: usize,
    place: usize,
    gathered: &'a Gathered,
    newest: &'a Newest,
}

impl Subject<'_> {
    fn item(&self, id: Uuid) -> Result<&model::Item, String> {
        self.gathered
            .item(id)
            .ok_or_else(|| format!("item {id} is not in the catalogue"))
    }

    /// Of each level only the newest state of a batch is published; of what a snapshot read, only what is still the newest.
    fn is_newest_state(&self, level: &LevelId, movement: &StockMovementRow, snapshot: bool) -> bool {
        self.newest.is_state(level, self.index) && (!snapshot || self.gathered.current(level) == Some(movement.version))
    }

    fn is_newest_summary(&self, item: Uuid) -> bool {
        self.newest.is_summary(item, self.index)
    }
}
