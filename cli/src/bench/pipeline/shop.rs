//! A shop of the benchmark's own: thousands of items at several locations, of which a few are asked for all the time. Like the
//! other goods they stay in the database, archived and without stock, and the next run uses them again.

use std::collections::VecDeque;

use anyhow::{Context, Result};
use onhand_db::{Outcome, Pool};
use rand::Rng;
use serde_json::{Value, json};
use uuid::Uuid;

use super::goods;
use crate::demo::popularity::Popularity;

/// Items of the shop.
pub(super) const ITEMS: usize = 5_000;
/// Where each of them is: together 20,000 levels.
pub(super) const LOCATIONS: [&str; 4] = ["ONHAND-BENCH-1", "ONHAND-BENCH-2", "ONHAND-BENCH-3", "ONHAND-BENCH-4"];
/// Units that each level has at first: more than a run can sell of the most popular item, so that no command is refused.
const STOCK: i64 = 1_000_000;
/// Entries that one call takes.
pub(super) const PAGE: usize = 1_000;
/// Whose holds they are.
pub(super) const OWNER: &str = "onhand-bench";
/// Longer than any run: holds that nobody closes are cancelled at its end.
const HOLD_SECONDS: u32 = 4 * 3_600;
/// Holds that a share of the customers remembers; the others are carts that are left standing.
const OPEN_CARTS: usize = 2_000;

/// An item: business key and id.
pub(super) type Item = (String, Uuid);

/// The shop, open and stocked.
#[derive(Debug, Clone)]
pub(super) struct Shop {
    /// Its items, by their number.
    pub(super) items: Vec<Item>,
}

impl Shop {
    /// Makes what is missing and puts stock on every shelf.
    pub(super) async fn open(pool: &Pool) -> Result<Self> {
        let client = pool.get().await?;
        let places: Vec<Value> = LOCATIONS.iter().map(|id| goods::place(id, "open")).collect();
        onhand_db::upsert_locations(&client, &places).await?;
        let mut items = Vec::with_capacity(ITEMS);
        for page in skus().chunks(PAGE) {
            let bodies: Vec<Value> = page.iter().map(|sku| goods::item(sku, "active")).collect();
            let made = onhand_db::upsert_items(&client, &bodies).await?;
            items.extend(made.into_iter().map(|item| (item.sku, item.id)));
        }
        for location in LOCATIONS {
            for page in items.chunks(PAGE) {
                let commands: Vec<Value> = page.iter().map(|(sku, _)| add(sku, location, STOCK)).collect();
                goods::apply(&client, &commands).await?;
            }
        }
        Ok(Self { items })
    }

    /// Every so many'th item, from this one on: no two shares have an item in common.
    pub(super) fn share(&self, number: usize, of: usize) -> Vec<Item> {
        self.items.iter().skip(number).step_by(of.max(1)).cloned().collect()
    }
}

/// Business keys of all items that a shop of the benchmark ever had.
pub(super) fn skus() -> Vec<String> {
    (0..ITEMS)
        .map(|number| format!("ONHAND-BENCH-SHOP-{number:04}"))
        .collect()
}

/// Units come in.
pub(super) fn add(sku: &str, location: &str, quantity: i64) -> Value {
    json!({"op": "add", "sku": sku, "location": location, "quantity": quantity, "reason": "bench"})
}

/// What a customer, or a delivery, asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Reserve,
    Confirm,
    Cancel,
    Add,
}

impl Kind {
    /// Six of ten commands open a cart. Of the carts a good part is paid for, some are given up, and the others are left standing.
    fn any(random: &mut impl Rng) -> Self {
        match random.random_range(0..100) {
            0..60 => Self::Reserve,
            60..85 => Self::Confirm,
            85..90 => Self::Cancel,
            _ => Self::Add,
        }
    }
}

/// What a share of the customers sends, one command after the other.
#[derive(Debug)]
pub(super) struct Customers {
    items: Vec<Item>,
    popularity: Popularity,
    /// Holds that are open, in the order in which they were made known.
    open: VecDeque<Uuid>,
}

impl Customers {
    /// Of these items, the first of which are the popular ones.
    pub(super) fn new(items: Vec<Item>) -> Self {
        Self {
            popularity: Popularity::new(items.len()),
            items,
            open: VecDeque::new(),
        }
    }

    /// The next commands. A hold is confirmed or cancelled at the earliest by the call after the one that made it.
    pub(super) fn commands(&mut self, random: &mut impl Rng, count: usize) -> Result<Vec<Value>> {
        (0..count).map(|_| self.command(random)).collect()
    }

    fn command(&mut self, random: &mut impl Rng) -> Result<Value> {
        let kind = Kind::any(random);
        let closes = match kind {
            Kind::Confirm => Some("confirm"),
            Kind::Cancel => Some("cancel"),
            Kind::Reserve | Kind::Add => None,
        };
        if let Some(op) = closes
            && let Some(hold) = self.open.pop_front()
        {
            return Ok(json!({"op": op, "reservation_id": hold}));
        }
        let (sku, _) = self
            .items
            .get(self.popularity.next(random))
            .context("a shop without items")?;
        let location = LOCATIONS
            .get(random.random_range(0..LOCATIONS.len()))
            .context("a shop without a location")?;
        Ok(match kind {
            Kind::Add => add(sku, location, random.random_range(10..50)),
            _ => json!({"op": "reserve", "sku": sku, "location": location, "quantity": random.random_range(1..5),
                "owner": OWNER, "expires_in_seconds": HOLD_SECONDS}),
        })
    }

    /// What became of the commands: holds that were made can be closed from now on.
    pub(super) fn learn(&mut self, outcomes: &[Outcome]) {
        let made = outcomes.iter().filter_map(|outcome| match outcome {
            Outcome::Applied(answer) if answer.status.as_deref() == Some("PENDING") => answer.reservation_id,
            _ => None,
        });
        for hold in made {
            if self.open.len() >= OPEN_CARTS {
                self.open.pop_front();
            }
            self.open.push_back(hold);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::{BTreeMap, BTreeSet};

    use onhand_db::Answer;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    fn customers() -> Customers {
        Customers::new((0..1_000).map(|n| (n.to_string(), Uuid::from_u128(n))).collect())
    }

    fn reserved(id: u128) -> Outcome {
        Outcome::Applied(Answer {
            levels: Vec::new(),
            reservation_id: Some(Uuid::from_u128(id)),
            status: Some("PENDING".to_owned()),
            expires_at: None,
        })
    }

    #[test]
    fn shares_have_no_item_in_common() {
        let shop = Shop {
            items: (0..10).map(|n| (n.to_string(), Uuid::from_u128(n))).collect(),
        };
        let mut all: Vec<Item> = (0..4).flat_map(|number| shop.share(number, 4)).collect();
        all.sort_by_key(|(_, id)| *id);
        assert_eq!(all, shop.items);
    }

    #[test]
    fn most_commands_reserve_and_they_reach_many_levels() {
        let (mut customers, mut random) = (customers(), StdRng::seed_from_u64(1));
        let mut counts: BTreeMap<String, u32> = BTreeMap::new();
        let mut levels = BTreeSet::new();
        for call in 0..1_000_u128 {
            let commands = customers.commands(&mut random, 10).unwrap();
            for command in &commands {
                *counts.entry(command["op"].as_str().unwrap().to_owned()).or_default() += 1;
                levels.insert((command["sku"].to_string(), command["location"].to_string()));
            }
            customers.learn(&(0..10).map(|n| reserved(call * 10 + n)).collect::<Vec<_>>());
        }
        assert!((5_700..6_300).contains(&counts["reserve"]), "{counts:?}");
        assert!((2_200..2_800).contains(&counts["confirm"]), "{counts:?}");
        assert!(counts["cancel"] > 300 && counts["add"] > 700, "{counts:?}");
        assert!(levels.len() > 1_000, "{}", levels.len());
    }

    #[test]
    fn a_hold_is_closed_once_and_only_if_it_was_made() {
        let (mut customers, mut random) = (customers(), StdRng::seed_from_u64(2));
        let first = customers.commands(&mut random, 100).unwrap();
        assert!(first.iter().all(|command| command.get("reservation_id").is_none()));
        customers.learn(&[reserved(7)]);
        let later = customers.commands(&mut random, 200).unwrap();
        let closed = later.iter().filter(|command| command.get("reservation_id").is_some());
        assert_eq!(closed.count(), 1);
    }
}
