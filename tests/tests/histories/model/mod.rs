//! The inventory as a plain program: what each command must lead to, written from the rules and without a look at the SQL.
//!
//! It knows balances, reservations, transfers, purchase orders, counts, lots, serial numbers, idempotency keys, versions, and when
//! things happened. Time is a number of minutes that only the history moves on. Each command is decided on a copy, which is kept if the command is accepted.

mod allocate;
mod compare;
mod counts;
mod facts;
mod holds;
mod level;
mod lines;
mod lots;
mod orders;
mod papers;
mod queue;
mod recall;
mod refusals;
mod reserve;
mod serials;
mod settings;
mod stock;
mod verdict;

pub(crate) use counts::{is_count_act, is_on_count};
pub(crate) use level::{Level, States};
pub(crate) use lots::LotLevel;
pub(crate) use papers::{Count, Counted, Hold, HoldLine, Order, OrderLine, Status, Transfer, TransferLine};
pub(crate) use recall::HALF_A_MINUTE;
pub(crate) use serials::Stand;
pub(crate) use verdict::Outcome;

use super::ledger::Movement;
use facts::Facts;
use lots::{Lots, Naming};
use serde_json::Value;
use serials::Serials;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Sku and location; sorts as Onhand locks.
pub(crate) type Key = (String, String);

/// No quantity and no balance lies beyond this.
const LIMIT: i64 = 1_000_000_000_000;

#[derive(Clone, Debug, Default)]
pub(crate) struct Item {
    pub(crate) kind: &'static str,
    pub(crate) policy: Option<&'static str>,
    pub(crate) archived: bool,
    /// Tracked by lot.
    pub(crate) by_lot: bool,
    /// Tracked by serial number.
    pub(crate) by_serial: bool,
    /// Components of one bundle.
    pub(crate) parts: Vec<(String, i64)>,
    /// Base units in each larger unit.
    pub(crate) units: BTreeMap<&'static str, i64>,
}

impl Item {
    fn is_tracked(&self) -> bool {
        self.by_lot || self.by_serial
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    pub(crate) priority: i32,
    pub(crate) policy: Option<&'static str>,
    pub(crate) closed: bool,
}

/// A level as an answer shows it.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: Key,
    /// Type of the ledger row.
    pub(crate) kind: &'static str,
    /// How much the command moved; none where the answer need not say it.
    pub(crate) quantity: Option<i64>,
    pub(crate) level: Level,
}

/// What an accepted command is answered with.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    pub(crate) levels: Vec<Entry>,
    /// Fields beside the levels that have one right value.
    pub(crate) fields: BTreeMap<&'static str, Value>,
}

/// The SQLSTATE of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Refusal(pub(crate) &'static str);

#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub(crate) minute: i64,
    pub(crate) version_floor: i64,
    pub(crate) items: BTreeMap<String, Item>,
    pub(crate) places: BTreeMap<String, Place>,
    /// The only one there is.
    pub(crate) supplier: String,
    pub(crate) levels: BTreeMap<Key, Level>,
    pub(crate) holds: BTreeMap<Uuid, Hold>,
    pub(crate) transfers: BTreeMap<Uuid, Transfer>,
    pub(crate) orders: BTreeMap<Uuid, Order>,
    pub(crate) counts: BTreeMap<Uuid, Count>,
    pub(crate) facts: Facts,
    pub(crate) lots: Lots,
    pub(crate) serials: Serials,
    /// What the change at hand says of lots and serial numbers.
    naming: Naming,
    /// Milliseconds of the clock when the history began.
    pub(crate) begun: i64,
    /// Request and answer of each keyed command that was applied, by caller and key.
    pub(crate) answers: BTreeMap<(String, String), (Value, Value)>,
    /// Grows with everything that has a place in a queue.
    turn: u64,
    /// Ledger rows that the command at hand leads to.
    effects: Vec<(Key, Movement)>,
    /// Version of a key before this batch freed what was due on it; whoever expected it may go on.
    freed_from: BTreeMap<Key, i64>,
    /// The transaction that the batch belongs to; none if each is one of its own.
    transaction: Option<i64>,
    /// Reservations that were due and not written off when this batch began.
    due_at_start: BTreeSet<Uuid>,
}

impl Model {
    /// The level of a key, or the one that would be made for it.
    fn level(&self, key: &Key) -> Level {
        self.levels.get(key).cloned().unwrap_or_else(|| Level {
            states: States::default(),
            safety_stock: 0,
            reorder_point: 0,
            policy: self.default_policy(key).to_owned(),
            version: 0,
        })
    }

    fn default_policy(&self, (sku, place): &Key) -> &'static str {
        let item = &self.items[sku];
        if item.kind == "digital" {
            return "unlimited";
        }
        item.policy.or(self.places[place].policy).unwrap_or("deny")
    }

    fn next_version(&self, version: i64) -> i64 {
        (version + 1).max(self.version_floor)
    }

    fn next_turn(&mut self) -> u64 {
        self.turn += 1;
        self.turn
    }

    /// Changes a level by what is known of the lots that it is about.
    fn change_named(
        &mut self,
        naming: Naming,
        key: &Key,
        kind: &'static str,
        deltas: States,
        papers: (Option<Uuid>, Option<Uuid>),
    ) -> Result<Entry, Refusal> {
        let outer = std::mem::replace(&mut self.naming, naming);
        let entry = self.change(key, kind, deltas, papers);
        self.naming = outer;
        entry
    }

    /// Changes a level, notes the ledger row, and returns the level as an answer shows it.
    fn change(
        &mut self,
        key: &Key,
        kind: &'static str,
        deltas: States,
        papers: (Option<Uuid>, Option<Uuid>),
    ) -> Result<Entry, Refusal> {
        let before = self.level(key);
        let mut after = before.clone();
        after.states = before.states.plus(deltas);
        let states = after.states;
        if states.available() < before.states.available().min(0) && !after.endless() {
            return Err(Refusal("IV001"));
        }
        let others = [
            states.reserved,
            states.in_transit,
            states.backordered,
            states.damaged,
            states.incoming,
        ];
        if others.iter().any(|state| *state < 0) {
            return Err(Refusal("IV001"));
        }
        if states.on_hand.abs() > LIMIT || others.iter().any(|state| *state > LIMIT) {
            return Err(Refusal("IV012"));
        }
        let there = |states: &States| states.on_hand + states.damaged;
        if self.items[&key.0].is_tracked() && there(&states) > there(&before.states).max(LIMIT) {
            return Err(Refusal("IV012"));
        }
        self.track(key, kind, deltas, papers)?;
        after.version = self.next_version(before.version);
        self.track_units(&serials::Change {
            key,
            kind,
            deltas,
            hold: papers.0,
            transfer: papers.1,
            version: after.version,
        })?;
        let movement = Movement {
            kind: kind.to_owned(),
            deltas,
            after: states,
            version: after.version,
            hold: papers.0,
            transfer: papers.1,
            told: self.facts.told(),
        };
        self.facts.note(key, deltas);
        self.effects.push((key.clone(), movement));
        self.levels.insert(key.clone(), after.clone());
        Ok(Entry {
            key: key.clone(),
            kind,
            quantity: None,
            level: after,
        })
    }

    /// Refuses a command that expected another version. What only freed holds that nobody counted any more is no change.
    fn check_expected(&self, command: &Value) -> Result<(), Refusal> {
        let Some(expected) = command["expected_version"].as_i64() else {
            return Ok(());
        };
        let keys: Vec<Key> = self
            .demand(command)
            .into_keys()
            .map(|(sku, place)| (sku, place.unwrap_or_default()))
            .collect();
        let [key] = keys.as_slice() else {
            // A bundle has several levels.
            return Err(Refusal("IV008"));
        };
        let version = self.levels.get(key).map_or(0, |level| level.version);
        if expected == version || self.freed_from.get(key) == Some(&expected) {
            return Ok(());
        }
        Err(Refusal("IV006"))
    }
}
