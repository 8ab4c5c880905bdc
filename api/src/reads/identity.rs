//! Which item a sku names. A sku never changes its item, so this may be remembered; the entries are
//! bounded in number and age all the same.

use std::time::Duration;

use moka::future::Cache;
use uuid::Uuid;

use crate::config::ReadConfig;

/// Both directions of the map.
#[derive(Debug, Clone)]
pub(crate) struct Identities {
    ids: Cache<String, Uuid>,
    skus: Cache<Uuid, String>,
}

impl Identities {
    pub(crate) fn new(config: &ReadConfig) -> Self {
        let life = Duration::from_millis(config.identity_cache_ttl_ms);
        let entries = config.identity_cache_entries;
        Self {
            ids: Cache::builder().max_capacity(entries).time_to_live(life).build(),
            skus: Cache::builder().max_capacity(entries).time_to_live(life).build(),
        }
    }

    pub(crate) async fn id_of(&self, sku: &str) -> Option<Uuid> {
        self.ids.get(sku).await
    }

    pub(crate) async fn sku_of(&self, id: Uuid) -> Option<String> {
        self.skus.get(&id).await
    }

    pub(crate) async fn learn(&self, sku: &str, id: Uuid) {
        self.ids.insert(sku.to_owned(), id).await;
        self.skus.insert(id, sku.to_owned()).await;
    }
}
