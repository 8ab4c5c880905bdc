//! Consistency tokens: what a write made, carried by its caller to later reads.
//!
//! A token names rows and the versions that a write gave them. A read that brings it is never answered
//! from older rows: Redis if its versions reach the token's, else after a short wait, else Postgres.
//! Versions only grow, also across a restore, so "as new as" is one comparison for ever.
//!
//! To callers a token is opaque text. It can be forged, and that gains nothing: it only makes the
//! caller's own reads dearer, within bounds. Several tokens may be sent; what they ask for adds up.

mod bloom;
mod bytes;
mod demand;

use std::collections::BTreeMap;

use axum::http::{HeaderName, HeaderValue};
use onhand_consumers::cache::StockRow;
use uuid::Uuid;

use crate::lane::Level;
use crate::store::{Item, Location};
use bloom::Bloom;
pub(crate) use bytes::TokenError;
pub(crate) use demand::Demand;

/// Name of the header, in answers to writes and in reads.
pub(crate) const CONSISTENCY_TOKEN: HeaderName = HeaderName::from_static("consistency-token");
/// A token that would be longer names its items instead of their rows. Proxies commonly take header lines of 8 KB;
/// this leaves room for a second token.
const MAX_BYTES: usize = 2_250;

/// Rows and the versions that a reader must see at least.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Token {
    /// Stock levels by item and location.
    levels: BTreeMap<Uuid, BTreeMap<String, i64>>,
    /// Items themselves.
    items: BTreeMap<Uuid, i64>,
    /// Locations themselves.
    locations: BTreeMap<String, i64>,
    /// Items whose rows a write changed, too many to name them one by one: only Postgres will do for them.
    wide: Vec<Bloom>,
    /// A write changed more items than can be named.
    any_item: bool,
}

impl Token {
    /// What a write of stock made.
    pub(crate) fn of_levels(levels: &[Level]) -> Self {
        let mut token = Self::default();
        for level in levels {
            token.require_level(level.item_id, &level.location, level.version);
        }
        token
    }

    /// What a write of items made.
    pub(crate) fn of_items(items: &[Item]) -> Self {
        let items = items.iter().map(|item| (item.id, item.version)).collect();
        Self {
            items,
            ..Self::default()
        }
    }

    /// What a write of a location made.
    pub(crate) fn of_location(location: &Location) -> Self {
        Self {
            locations: BTreeMap::from([(location.id.clone(), location.version)]),
            ..Self::default()
        }
    }

    fn require_level(&mut self, item: Uuid, location: &str, version: i64) {
        let rows = self.levels.entry(item).or_default();
        raise(rows, location.to_owned(), version);
    }

    /// Asks for all that the other asks for, too.
    pub(crate) fn merge(&mut self, other: Self) {
        for (item, rows) in other.levels {
            for (location, version) in rows {
                self.require_level(item, &location, version);
            }
        }
        for (item, version) in other.items {
            raise(&mut self.items, item, version);
        }
        for (location, version) in other.locations {
            raise(&mut self.locations, location, version);
        }
        self.wide.extend(other.wide);
        self.any_item |= other.any_item;
    }

    /// Whether nothing in Redis can be known to be new enough for this item.
    pub(crate) fn needs_postgres(&self, item: Uuid) -> bool {
        self.wide.iter().any(|items| items.may_contain(item))
    }

    /// Whether these rows of an item are as new as the token asks.
    pub(crate) fn is_met_by(&self, item: Uuid, rows: &[StockRow]) -> bool {
        let Some(asked) = self.levels.get(&item) else {
            return true;
        };
        asked.iter().all(|(location, version)| {
            rows.iter()
                .any(|row| row.location == *location && row.version.get() >= *version)
        })
    }

    /// Whether the token says anything about this item's stock.
    pub(crate) fn concerns(&self, item: Uuid) -> bool {
        self.levels.contains_key(&item) || self.needs_postgres(item)
    }

    /// Versions that items must have at least; `None` if they are too many to name.
    pub(crate) fn items(&self) -> Option<&BTreeMap<Uuid, i64>> {
        (!self.any_item).then_some(&self.items)
    }

    /// Whether an item of this version is as new as the token asks.
    pub(crate) fn is_met_by_item(&self, item: &Item) -> bool {
        self.items.get(&item.id).is_none_or(|asked| item.version >= *asked)
    }

    /// Whether a location of this version is as new as the token asks.
    pub(crate) fn is_met_by_location(&self, location: &Location) -> bool {
        let asked = self.locations.get(&location.id);
        asked.is_none_or(|asked| location.version >= *asked)
    }

    /// The header for an answer; none for a token that asks for nothing.
    pub(crate) fn header(self) -> Option<HeaderValue> {
        if self == Self::default() {
            return None;
        }
        HeaderValue::from_str(&bytes::encode(&self.within(MAX_BYTES))).ok()
    }

    /// The same promise in at most so many bytes, though perhaps a dearer one to keep.
    fn within(mut self, bytes: usize) -> Self {
        if bytes::length(&self) > bytes && !self.levels.is_empty() {
            self.wide.push(Bloom::of(self.levels.keys().copied()));
            self.levels.clear();
        }
        if bytes::length(&self) > bytes {
            self.any_item = true;
            self.items.clear();
        }
        self
    }
}

impl std::str::FromStr for Token {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        bytes::decode(text)
    }
}

fn raise<K: Ord>(versions: &mut BTreeMap<K, i64>, key: K, version: i64) {
    let held = versions.entry(key).or_insert(version);
    *held = version.max(*held);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use onhand_cdc::RowVersion;

    use super::*;

    fn token(rows: &[(u128, &str, i64)]) -> Token {
        let mut token = Token::default();
        for (item, location, version) in rows {
            token.require_level(Uuid::from_u128(*item), location, *version);
        }
        token
    }

    fn row(location: &str, version: i64) -> StockRow {
        StockRow::tombstone(location, RowVersion::new(version))
    }

    fn text(token: Token) -> String {
        token.header().unwrap().to_str().unwrap().to_owned()
    }

    #[test]
    fn rows_meet_a_token_when_each_one_asked_for_is_there_and_new_enough() {
        let token = token(&[(1, "W1", 5), (1, "W2", 2)]);
        let item = Uuid::from_u128(1);
        assert!(token.is_met_by(item, &[row("W1", 5), row("W2", 9), row("W3", 1)]));
        assert!(!token.is_met_by(item, &[row("W1", 4), row("W2", 9)]), "older");
        assert!(!token.is_met_by(item, &[row("W1", 5)]), "not there yet");
        assert!(token.is_met_by(Uuid::from_u128(2), &[]), "of another item");
    }

    #[test]
    fn a_version_of_a_later_epoch_meets_any_token_of_an_earlier_one() {
        let token = token(&[(1, "W1", (1 << 40) - 1)]);
        assert!(token.is_met_by(Uuid::from_u128(1), &[row("W1", 1 << 40)]));
    }

    #[test]
    fn tokens_add_up() {
        let mut all = token(&[(1, "W1", 5), (2, "W1", 1)]);
        all.merge(token(&[(1, "W1", 4), (1, "W2", 7)]));
        assert_eq!(all, token(&[(1, "W1", 5), (1, "W2", 7), (2, "W1", 1)]));
    }

    #[test]
    fn a_token_survives_its_text() {
        let mut all = token(&[(1, "W1", 5), (1, "a-Warehouse_2", (1 << 53) - 1), (u128::MAX, "W1", 0)]);
        all.items.insert(Uuid::from_u128(7), 3);
        all.locations.insert("W1".to_owned(), 4);
        assert_eq!(text(all.clone()).parse::<Token>().unwrap(), all);
        assert_eq!(Token::default().header(), None);
    }

    #[test]
    fn a_small_write_has_a_small_token() {
        let item = Uuid::now_v7().as_u128();
        assert!(text(token(&[(item, "W1", 300)])).len() <= 40);
    }

    #[test]
    fn a_large_write_still_has_a_token_that_fits() {
        let rows: Vec<(u128, &str, i64)> = (0..1_000).map(|n| (Uuid::now_v7().as_u128() + n, "W1", 5)).collect();
        let text = text(token(&rows));
        assert!(text.len() <= 3_000, "{}", text.len());
        let wide: Token = text.parse().unwrap();
        assert!(
            rows.iter()
                .all(|(item, _, _)| wide.needs_postgres(Uuid::from_u128(*item)))
        );
        let others = (0..1_000).filter(|_| wide.needs_postgres(Uuid::now_v7())).count();
        assert!(
            others < 50,
            "{others} of 1000 items that were not written go to Postgres"
        );
    }

    #[test]
    fn too_many_items_are_said_to_be_too_many() {
        let token = Token {
            items: (0..1_000).map(|_| (Uuid::now_v7(), 1)).collect(),
            ..Token::default()
        };
        assert!(token.items().is_some());
        let wide: Token = text(token).parse().unwrap();
        assert_eq!(wide.items(), None);
    }
}
