//! What the suite must know of a sink.

use super::alerts::Alerts;
use super::ingest::Ingest;
use super::publish::Publish;
use super::read_model::ReadModel;
use super::world::World;
use anyhow::Result;
use async_trait::async_trait;

/// A part of what a sink writes, which a test makes impossible to write while all else can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// Holds a consumer back until enough waits behind it.
    Gate,
    /// Is looked at.
    Broken,
}

/// What a sink does with what it cannot write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failed {
    /// It comes again with it, and takes no new batch meanwhile.
    IsRetried,
    /// It goes to the dead letters and on.
    IsBuried,
}

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

    /// What it does with a part that it cannot write.
    fn failed(&self) -> Failed;

    /// Makes this part impossible to write. Those that are buried need no gate.
    async fn break_part(&self, world: &World, part: Part) -> Result<()>;

    /// Waits until everything but [`Part::Broken`] is what the source says, and makes sure that the part is not.
    async fn rest_holds(&self, world: &World) -> Result<()>;

    /// Mends the part, if it is broken, and sends again what was buried.
    async fn mend_part(&self, world: &World, part: Part) -> Result<()>;
}

/// Every sink.
pub(crate) fn all() -> Vec<Box<dyn Subject>> {
    vec![
        Box::new(ReadModel::CACHE),
        Box::new(ReadModel::SEARCH),
        Box::new(Alerts::default()),
        Box::new(Publish::new()),
        Box::new(Ingest::default()),
    ]
}
