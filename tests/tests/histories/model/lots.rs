//! Lots: what the level of an item that is tracked by lot consists of, first expired first out, and what has ended.

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
    pub(super) fn has_ended(&self, lot: &Lot) -> bool {
        lot.end().is_some_and(|end| end.0 <= self.minute)
    }

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

    /// Units of a source by lot, the lots in the order in which they go.
    fn source(&self, change: &Change<'_>, source: Source) -> Vec<(String, &Lot, i64)> {
        let sku = &change.key.0;
        let ranked = self.lots.known.iter().filter(|((of, _), _)| of == sku);
        let mut found: Vec<(String, &Lot, i64)> = ranked
            .map(|((_, code), lot)| {
                let level = self
                    .lots
                    .levels
                    .get(&(change.key.clone(), code.clone()))
                    .copied()
                    .unwrap_or_default();
                let held = |id| self.lots.held.get(&(id, change.key.clone(), code.clone()));
                let shipped = |id| self.lots.shipped.get(&(id, sku.clone(), code.clone()));
                let units = match source {
                    Source::Free => level.on_hand - level.reserved,
                    Source::Damaged => level.damaged,
                    Source::Held => change.hold.and_then(held).map_or(0, |held| held.0),
                    Source::Shipped => change.transfer.and_then(shipped).map_or(0, TransferLine::open),
                };
                (code.clone(), lot, units)
            })
            .filter(|(_, _, units)| *units > 0)
            .collect();
        found.sort_by_key(|(_, lot, _)| (lot.expires.is_none(), lot.expires, lot.made));
        found
    }

    /// Takes units from a source, first expired first out, after so many that go elsewhere.
    fn take(&self, change: &Change<'_>, source: Source, skip: i64, wanted: i64) -> Result<Shares, Refusal> {
        let names_lot = source != Source::Held || change.kind == "commit";
        let named = change.naming.lot.as_ref().filter(|_| names_lot);
        let for_sale = [Source::Free, Source::Damaged].contains(&source) && NEEDS_SELLABLE.contains(&change.kind);
        let (mut before, mut shares, mut ended) = (0, Shares::new(), false);
        for (code, lot, units) in self.source(change, source) {
            if named.is_some_and(|named| *named != code) || (for_sale && self.has_ended(lot)) {
                continue;
            }
            let part = (before + units).min(skip + wanted) - before.max(skip);
            before += units;
            if part > 0 {
                ended |= self.has_ended(lot);
                shares.push((code, part));
            }
        }
        if shares.iter().map(|(_, part)| part).sum::<i64>() < wanted {
            return Err(self.why_not(change, source));
        }
        if change.kind == "commit" && skip == 0 && ended {
            return Err(Refusal("IV022"));
        }
        Ok(shares)
    }

    fn why_not(&self, change: &Change<'_>, source: Source) -> Refusal {
        let named = change.naming.lot.clone().map(|code| (change.key.0.clone(), code));
        let lot = match &named {
            None => None,
            Some(name) => match self.lots.known.get(name) {
                None => return Refusal("IV021"),
                known => known,
            },
        };
        let ended = lot.is_some_and(|lot| self.has_ended(lot));
        if (NEEDS_SELLABLE.contains(&change.kind) && ended) || (change.kind == "restore" && lot.is_none()) {
            Refusal("IV022")
        } else if [Source::Free, Source::Damaged].contains(&source) {
            Refusal("IV001")
        } else {
            Refusal("IV023")
        }
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

    /// Lots of which something is free on a key though they have ended, in the order of their ends.
    pub(super) fn due_lots(&self, key: &Key) -> Vec<String> {
        if !self.items[&key.0].by_lot {
            return Vec::new();
        }
        let of_key = self
            .lots
            .levels
            .iter()
            .filter(|((of, _), level)| of == key && level.on_hand > level.reserved);
        let mut due: Vec<(Option<End>, String)> = of_key
            .map(|((_, code), _)| (&self.lots.known[&(key.0.clone(), code.clone())], code))
            .filter(|(lot, _)| self.has_ended(lot))
            .map(|(lot, code)| (lot.end(), code.clone()))
            .collect();
        due.sort();
        due.into_iter().map(|(_, code)| code).collect()
    }

    /// Takes from sale what is free of lots that have ended; returns whether there was any.
    pub(super) fn expire_lots(&mut self, key: &Key) -> Result<bool, Refusal> {
        let due = self.due_lots(key);
        let told = self.facts.pause();
        for code in &due {
            let recalled = self.lots.known[&(key.0.clone(), code.clone())].is_recalled();
            self.damage_lot(key, code, if recalled { "recall" } else { "lot_expiry" })?;
        }
        self.facts.resume(told);
        Ok(!due.is_empty())
    }

    /// Takes what is free of a lot at one place from sale.
    pub(super) fn damage_lot(&mut self, key: &Key, code: &str, kind: &'static str) -> Result<super::Entry, Refusal> {
        let level = self.lots.levels[&(key.clone(), code.to_owned())];
        let free = (level.on_hand - level.reserved).min(self.level(key).states.available());
        let deltas = States {
            on_hand: -free,
            damaged: free,
            ..States::default()
        };
        let naming = Naming {
            lot: Some(code.to_owned()),
            ..Naming::default()
        };
        self.change_named(naming, key, kind, deltas, (None, None))
    }

    /// Marks a lot as not for sale from now on.
    pub(super) fn mark_recalled(&mut self, name: &(String, String)) {
        let turn = i64::try_from(self.next_turn()).unwrap_or(i64::MAX);
        let now = (self.minute, RECALL + turn);
        if let Some(lot) = self.lots.known.get_mut(name) {
            lot.recalled = lot.recalled.or(Some(now));
        }
    }
}

/// Under which name the facts about a lot at a place are kept.
pub(super) fn lot_key((sku, place): &Key, code: &str) -> Key {
    (format!("{sku} {code}"), place.clone())
}
