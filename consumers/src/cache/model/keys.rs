//! Names of keys.

use uuid::Uuid;

/// Names of the keys under one prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    prefix: String,
}

impl Keys {
    /// Keys that start with this prefix, usually `catalog:`.
    pub fn new(prefix: &str) -> Self {
        Self {
            prefix: prefix.to_owned(),
        }
    }

    /// The hash of an item.
    pub fn item(&self, item: Uuid) -> String {
        format!("{}stock:{{{item}}}", self.prefix)
    }

    /// The item behind a key.
    pub fn item_of(&self, key: &str) -> Option<Uuid> {
        key.strip_prefix(&self.prefix)?
            .strip_prefix("stock:{")?
            .strip_suffix('}')?
            .parse()
            .ok()
    }

    /// Pattern of all item hashes, for `SCAN`.
    pub fn pattern(&self) -> String {
        format!("{}stock:*", self.prefix)
    }

    /// There once the whole cache was loaded.
    pub fn warm(&self) -> String {
        format!("{}warm", self.prefix)
    }

    /// Held by the consumer that loads the cache.
    pub fn warming(&self) -> String {
        format!("{}warming", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_tag_is_the_item() {
        let keys = Keys::new("catalog:");
        let key = keys.item(Uuid::nil());
        assert_eq!(key, "catalog:stock:{00000000-0000-0000-0000-000000000000}");
        assert_eq!(keys.item_of(&key), Some(Uuid::nil()));
        assert_eq!(keys.item_of("catalog:warm"), None);
    }
}
