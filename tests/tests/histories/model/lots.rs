//! Lots: what the level of an item that is tracked by lot consists of, first expired first out, and what has ended.

mod ends;
mod shares;

use super::papers::TransferLine;
use super::{Key, Model, Refusal, States};
use std::collections::BTreeMap;
use uuid::Uuid;

/// When a lot ends, in the time of the history: the minute, and what comes first of the same minute.
pub(crate) type End = (i64, i64);
/// Within a minute recalls come after expiries, which are half a minute from any moment of the history.
const RECALL: i64 = 60_000;
/// Movements that take only what can be sold.
const NEEDS_SELLABLE: [&str; 6] = ["reserve", "allocate", "commit", "transfer_out", "ship", "restore"];

#[derive(Clone, Debug, Default)]
pub(crate) struct Lot {
    expires: Option<End>,
    recalled: Option<End>,
    /// Its expiry as it was told, while that is still what the server has.
    told: Option<String>,
    /// Which of those that never expire came first.
    made: u64,
}

impl Lot {
    fn end(&self) -> Option<End> {
        self.expires.into_iter().chain(self.recalled).min()
    }

    pub(crate) fn is_recalled(&self) -> bool {
        self.recalled.is_some()
    }
}

/// What lies of a lot at a place, or by how much that changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LotLevel {
    pub(crate) on_hand: i64,
    pub(crate) reserved: i64,
    pub(crate) damaged: i64,
}

/// Units of lots by their code.
pub(super) type Shares = Vec<(String, i64)>;

/// What a change says of the lots and units that it is about.
#[derive(Clone, Debug, Default)]
pub(super) struct Naming {
    pub(super) lot: Option<String>,
    /// When the lot expires: as it was told, and in the time of the history.
    pub(super) expires: Option<(String, End)>,
    /// What left the other place by the step before this one.
    pub(super) moved: Option<Shares>,
    /// The serial numbers that it names.
    pub(super) serials: Option<Vec<String>>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Lots {
    /// By sku and code.
    pub(crate) known: BTreeMap<(String, String), Lot>,
    pub(crate) levels: BTreeMap<(Key, String), LotLevel>,
    /// What a reservation holds and what was sold by it.
    pub(crate) held: BTreeMap<(Uuid, Key, String), (i64, i64)>,
    pub(crate) shipped: BTreeMap<(Uuid, String, String), TransferLine>,
    /// What the last change took.
    pub(super) taken: Shares,
}

impl Lots {
    /// The server has moved all times.
    pub(crate) fn forget_told(&mut self) {
        for lot in self.known.values_mut() {
            lot.told = None;
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Free,
    Damaged,
    Held,
    Shipped,
}

/// A change of a level whose item is tracked by lot.
struct Change<'a> {
    key: &'a Key,
    kind: &'static str,
    deltas: States,
    hold: Option<Uuid>,
    transfer: Option<Uuid>,
    naming: Naming,
}

impl Model {
    /// Does to lots what a change does to their level.
    pub(super) fn track(
        &mut self,
        key: &Key,
        kind: &'static str,
        deltas: States,
        (hold, transfer): (Option<Uuid>, Option<Uuid>),
    ) -> Result<(), Refusal> {
        let touched = (deltas.on_hand, deltas.reserved, deltas.damaged) != (0, 0, 0);
        if !self.items[&key.0].by_lot || !(touched || kind == "transfer_loss") {
            return Ok(());
        }
        let change = Change {
            key,
            kind,
            deltas,
            hold,
            transfer,
            naming: self.naming.clone(),
        };
        for (code, deltas, lost) in self.lot_changes(&change)? {
            self.write_lot(&change, &code, deltas, lost);
        }
        Ok(())
    }

    /// The changes of each lot, and how much of it was lost on the way.
    fn lot_changes(&mut self, change: &Change<'_>) -> Result<Vec<(String, LotLevel, i64)>, Refusal> {
        let States {
            on_hand,
            reserved,
            damaged,
            in_transit,
            ..
        } = change.deltas;
        let each = |shares: &Shares, of: &dyn Fn(i64) -> (i64, i64, i64), lost: bool| -> Vec<(String, LotLevel, i64)> {
            let one = |(code, quantity): &(String, i64)| {
                let (on_hand, reserved, damaged) = of(*quantity);
                let level = LotLevel {
                    on_hand,
                    reserved,
                    damaged,
                };
                (code.clone(), level, if lost { *quantity } else { 0 })
            };
            shares.iter().map(one).collect()
        };
        if reserved > 0 {
            let taken = self.take(change, Source::Free, 0, reserved)?;
            Ok(each(&taken, &|count| (0, count, 0), false))
        } else if reserved < 0 {
            let sold = self.take(change, Source::Held, 0, -on_hand)?;
            let freed = self.take(change, Source::Held, -on_hand, on_hand - reserved)?;
            let mut changes = each(&sold, &|count| (-count, -count, 0), false);
            changes.extend(each(&freed, &|count| (0, -count, 0), false));
            Ok(changes)
        } else if on_hand < 0 {
            let taken = self.take(change, Source::Free, 0, -on_hand)?;
            self.lots.taken.clone_from(&taken);
            Ok(each(
                &taken,
                &|count| (-count, 0, if damaged > 0 { count } else { 0 }),
                false,
            ))
        } else if damaged < 0 {
            let taken = self.take(change, Source::Damaged, 0, -damaged)?;
            Ok(each(
                &taken,
                &|count| (if on_hand > 0 { count } else { 0 }, 0, -count),
                false,
            ))
        } else if change.kind == "transfer_loss" {
            let taken = self.take(change, Source::Shipped, 0, -in_transit)?;
            Ok(each(&taken, &|_| (0, 0, 0), true))
        } else {
            let (whole, broken) = self.arriving(change)?;
            let mut changes = each(&whole, &|count| (count, 0, 0), false);
            changes.extend(each(&broken, &|count| (0, 0, count), false));
            Ok(changes)
        }
    }

    /// What comes in, sellable and damaged.
    fn arriving(&mut self, change: &Change<'_>) -> Result<(Shares, Shares), Refusal> {
        let States { on_hand, damaged, .. } = change.deltas;
        if let Some(moved) = &change.naming.moved {
            return Ok((moved.clone(), Shares::new()));
        }
        if change.transfer.is_some() {
            let whole = self.take(change, Source::Shipped, 0, on_hand)?;
            let broken = self.take(change, Source::Shipped, on_hand, damaged)?;
            return Ok((whole, broken));
        }
        let code = change.naming.lot.clone().ok_or(Refusal("IV023"))?;
        let name = (change.key.0.clone(), code.clone());
        let receipt = change.kind == "receipt" || change.kind == "order_receipt";
        match self.lots.known.get(&name) {
            None if receipt => {
                let (told, expires) = change.naming.expires.clone().unzip();
                let made = self.next_turn();
                let recalled = None;
                let lot = Lot {
                    expires,
                    recalled,
                    told,
                    made,
                };
                self.lots.known.insert(name, lot);
            }
            None => return Err(Refusal("IV021")),
            Some(lot) => {
                let told = change.naming.expires.as_ref().filter(|_| receipt).map(|(told, _)| told);
                if told.is_some() && told != lot.told.as_ref() {
                    return Err(Refusal("IV023"));
                }
            }
        }
        Ok((vec![(code.clone(), on_hand)], vec![(code, damaged)]))
    }

    fn write_lot(&mut self, change: &Change<'_>, code: &str, deltas: LotLevel, lost: i64) {
        let LotLevel {
            on_hand,
            reserved,
            damaged,
        } = deltas;
        if deltas != LotLevel::default() {
            let level = self
                .lots
                .levels
                .entry((change.key.clone(), code.to_owned()))
                .or_default();
            level.on_hand += on_hand;
            level.reserved += reserved;
            level.damaged += damaged;
            let on_hand = States {
                on_hand,
                ..States::default()
            };
            self.facts.note(&lot_key(change.key, code), on_hand);
        }
        if let Some(hold) = change.hold {
            let name = (hold, change.key.clone(), code.to_owned());
            let held = self.lots.held.entry(name).or_default();
            held.0 += reserved;
            held.1 += if change.kind == "commit" { -on_hand } else { 0 };
            self.lots.held.retain(|_, held| *held != (0, 0));
        } else if let Some(transfer) = change.transfer {
            let name = (transfer, change.key.0.clone(), code.to_owned());
            let line = self.lots.shipped.entry(name).or_default();
            match change.kind {
                "ship" => line.shipped -= on_hand,
                "receive" => {
                    line.received += on_hand;
                    line.damaged += damaged;
                }
                "transfer_cancel" => line.returned += on_hand,
                _ => line.lost += lost,
            }
        }
    }
}

/// Under which name the facts about a lot at a place are kept.
pub(super) fn lot_key((sku, place): &Key, code: &str) -> Key {
    (format!("{sku} {code}"), place.clone())
}
