//! What the suite must know of a sink.

use super::alerts::Alerts;
use super::ingest::Ingest;
use super::publish::Publish;
use super::read_model::ReadModel;
use super::world::World;
use anyhow::Result;
use async_trait::async_trait;

/// A sink of the running stack.
#[async_trait]
pub(crate) trait Subject: Send + Sync {
    /// Name of the sink and of its part.
    fn name(&self) -> &'static str;

    /// Consumer group.
    fn group(&self) -> &'static str;

    /// Topics that it reads and that bytes of any kind may be put into.
    fn topics(&self) -> Vec<&'static str>;

    /// The part that it writes to.
    fn store(&self) -> &'static str;

    /// Port of its metrics and health, counted from the stack's prefix.
    fn port(&self) -> u16;

    /// Where bytes of this topic go that it cannot read.
    fn dead_letters(&self, topic: &str) -> String {
        format!("{topic}.{}.dlq", self.group())
    }

    /// Makes what its events are about.
    async fn prepare(&self, _world: &World) -> Result<()> {
        Ok(())
    }

    /// Makes about so many events for it.
    async fn feed(&self, world: &World, events: usize) -> Result<()>;

    /// The same while its store is away.
    async fn feed_without_store(&self, world: &World, events: usize) -> Result<()> {
        self.feed(world, events).await
    }

    /// Waits until its outcome is what the source says, and fails if that does not come.
    async fn holds(&self, world: &World) -> Result<()>;
}

/// Every sink.
pub(crate) fn all() -> Vec<Box<dyn Subject>> {
    vec![
        Box::new(ReadModel::CACHE),
        Box::new(ReadModel::SEARCH),
        Box::new(Alerts),
        Box::new(Publish::new()),
        Box::new(Ingest::default()),
    ]
}
