//! The requests of the sink without the sink: for whoever measures what the search engine itself can take.

use onhand_cdc::ConfigError;

use super::client::{BULK_PATH, Client, bulk_body};
use super::config::ElasticsearchConfig;
use super::index::{self, Indexes, Refresh};
use super::month::Month;
use super::sink::Plan;
use crate::runtime::{Event, SinkError};

/// Makes indexes and bulk requests as the sink makes them.
#[derive(Debug)]
pub struct Replay {
    client: Client,
    indexes: Indexes,
    months: u32,
    refresh: Refresh,
}

impl Replay {
    /// Connects when it is first needed.
    ///
    /// # Errors
    /// A setting that cannot work.
    pub fn new(config: &ElasticsearchConfig) -> Result<Self, ConfigError> {
        config.validate()?;
        let client = Client::new(config)?;
        Ok(Self {
            client,
            indexes: Indexes::new(&config.index_prefix),
            months: config.movement_months,
            refresh: Refresh::new(config),
        })
    }

    /// Makes the indexes and says of them that they are full, so that no consumer fills them from Postgres.
    ///
    /// # Errors
    /// [`SinkError`] if the search engine does not do it.
    pub async fn prepare(&self) -> Result<(), SinkError> {
        let months = Month::back_from(jiff::Timestamp::now(), self.months);
        let definitions = self.indexes.definitions(&months);
        index::ensure(&self.client, &definitions, &self.refresh).await?;
        for definition in &definitions {
            index::mark_warm(&self.client, &definition.alias).await?;
        }
        Ok(())
    }

    /// Where bulk requests go, behind the base of the url.
    pub const fn path() -> &'static str {
        BULK_PATH
    }

    /// The one bulk request that a batch comes to, whatever its size, and how many documents are in it: of each only the newest version.
    ///
    /// # Errors
    /// A document that cannot be written as JSON.
    pub fn body(&self, batch: &[&Event]) -> Result<(Vec<u8>, usize), serde_json::Error> {
        let plan = Plan::of(&self.indexes, Month::of(jiff::Timestamp::UNIX_EPOCH), batch);
        Ok((bulk_body(&plan.documents)?, plan.documents.len()))
    }
}
