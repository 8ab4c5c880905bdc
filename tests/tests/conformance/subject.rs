//! What the suite must know of a sink.

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

    /// Makes about so many events for it. Works while the store of a read model is away.
    async fn feed(&self, world: &World, events: usize) -> Result<()>;

    /// Waits until its outcome is what the source says, and fails if that does not come.
    async fn holds(&self, world: &World) -> Result<()>;
}

/// Every sink.
pub(crate) fn all() -> Vec<Box<dyn Subject>> {
    vec![Box::new(ReadModel::CACHE), Box::new(ReadModel::SEARCH)]
}
