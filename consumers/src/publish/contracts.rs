//! The Avro contracts and the ids of their schemas.

use std::sync::OnceLock;

use onhand_cdc::encode::Encoder;
use onhand_cdc::schemas::{self, SchemaFile};
use onhand_cdc::{ConfigError, RegistryClient, RegistryError};

use crate::runtime::SinkError;

/// The Avro contracts and the ids that the registry gave their schemas.
#[derive(Debug)]
pub(super) struct Contracts {
    stock_updated: Contract,
    state: Contract,
    aggregate: Contract,
}

impl Contracts {
    pub(super) fn new() -> Result<Self, ConfigError> {
        Ok(Self {
            stock_updated: Contract::new(schemas::STOCK_UPDATED)?,
            state: Contract::new(schemas::STOCK_STATE)?,
            aggregate: Contract::new(schemas::INVENTORY_AGGREGATE)?,
        })
    }

    /// Asks the registry for the ids.
    pub(super) async fn look_up(&self, registry: &RegistryClient) -> Result<(), SinkError> {
        for contract in [&self.stock_updated, &self.state, &self.aggregate] {
            contract.look_up(registry).await?;
        }
        Ok(())
    }

    pub(super) fn stock_updated(&self) -> Result<(&Encoder, u32), String> {
        self.stock_updated.ready()
    }

    pub(super) fn state(&self) -> Result<(&Encoder, u32), String> {
        self.state.ready()
    }

    pub(super) fn aggregate(&self) -> Result<(&Encoder, u32), String> {
        self.aggregate.ready()
    }
}

#[derive(Debug)]
struct Contract {
    encoder: Encoder,
    id: OnceLock<u32>,
}

impl Contract {
    fn new(file: SchemaFile) -> Result<Self, ConfigError> {
        let encoder = Encoder::new(file).map_err(|error| ConfigError::new("publish", error.to_string()))?;
        Ok(Self {
            encoder,
            id: OnceLock::new(),
        })
    }

    async fn look_up(&self, registry: &RegistryClient) -> Result<(), SinkError> {
        let file = self.encoder.file();
        let found = registry.find(&file.subject(), file.text).await;
        let id = found.map_err(|error| match error {
            RegistryError::NotFound(_) => SinkError::Transient(format!(
                "schema {} is not registered; onhand connect apply does that",
                file.path
            )),
            error => SinkError::Transient(error.to_string()),
        })?;
        self.id.get_or_init(|| id);
        Ok(())
    }

    fn ready(&self) -> Result<(&Encoder, u32), String> {
        let id = self.id.get().ok_or("its schema was not looked up yet")?;
        Ok((&self.encoder, *id))
    }
}
