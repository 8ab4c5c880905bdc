//! The read models: equal to Postgres, key by key, as `onhand verify` says it.

use super::parts;
use super::subject::{Failed, Part, Subject};
use super::world::World;
use anyhow::Result;
use async_trait::async_trait;

/// Redis or Elasticsearch.
pub(crate) struct ReadModel {
    name: &'static str,
    group: &'static str,
    topics: &'static [&'static str],
    store: &'static str,
    port: u16,
}

impl ReadModel {
    pub(crate) const CACHE: Self = Self {
        name: "cache",
        group: "onhand.cache",
        topics: &["onhand.inventory.stock_level"],
        store: "redis",
        port: 94,
    };
    pub(crate) const SEARCH: Self = Self {
        name: "search",
        group: "onhand.search",
        topics: &["onhand.inventory.stock_level", "onhand.inventory.item"],
        store: "elasticsearch",
        port: 95,
    };
}

#[async_trait]
impl Subject for ReadModel {
    fn name(&self) -> &'static str {
        self.name
    }

    fn group(&self) -> &'static str {
        self.group
    }

    fn topics(&self) -> Vec<&'static str> {
        self.topics.to_vec()
    }

    fn store(&self) -> &'static str {
        self.store
    }

    fn port(&self) -> u16 {
        self.port
    }

    async fn feed(&self, world: &World, events: usize) -> Result<()> {
        world.move_stock(events).await
    }

    async fn holds(&self, world: &World) -> Result<()> {
        world.onhand(&["verify", "--wait", "120"]).await.map(drop)
    }

    fn failed(&self) -> Failed {
        Failed::IsRetried
    }

    async fn break_part(&self, world: &World, part: Part) -> Result<()> {
        match self.store {
            "redis" => parts::replace_key(world, part).await,
            _ => parts::block_index(world, part, true).await,
        }
    }

    async fn rest_holds(&self, world: &World) -> Result<()> {
        match self.store {
            "redis" => parts::other_keys_hold(world).await,
            _ => parts::other_indexes_hold(world).await,
        }
    }

    async fn mend_part(&self, world: &World, part: Part) -> Result<()> {
        match self.store {
            "redis" => parts::restore_key(world, part).await,
            _ => parts::block_index(world, part, false).await,
        }
    }
}
