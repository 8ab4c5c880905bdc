//! Units with serial numbers: where each of them is and in which state, which reservation names it, and which one sold it.

mod on_the_way;

use super::lines::{count, text};
use super::{Key, Model, Refusal, States};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stand {
    InStock,
    Damaged,
    InTransit,
    Shipped,
    Removed,
}

impl Stand {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::InStock => "in_stock",
            Self::Damaged => "damaged",
            Self::InTransit => "in_transit",
            Self::Shipped => "shipped",
            Self::Removed => "removed",
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Unit {
    pub(crate) stand: Stand,
    pub(crate) place: Option<String>,
    /// The reservation that names it, or that sold it.
    pub(crate) hold: Option<Uuid>,
    pub(crate) transfer: Option<Uuid>,
    /// The ledger row that it came in by, and when that was recorded once the ledger has said so: the oldest go first.
    arrived: (Key, i64),
    received: Option<i64>,
}

impl Unit {
    fn is_at(&self, place: &str, stand: Stand) -> bool {
        self.stand == stand && self.place.as_deref() == Some(place)
    }

    /// The unit as it is at a place, named by nobody and on no transfer; without a place it is gone.
    fn now(&self, stand: Stand, place: Option<&str>) -> Self {
        Self {
            stand,
            place: place.map(str::to_owned),
            hold: None,
            transfer: None,
            ..self.clone()
        }
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Serials {
    /// By sku and serial number.
    pub(crate) units: BTreeMap<(String, String), Unit>,
    /// What the last change took.
    taken: Vec<String>,
}

impl Serials {
    /// Takes over when what has come in was recorded.
    pub(super) fn date(&mut self, recorded: &BTreeMap<(Key, i64), i64>) {
        for unit in self.units.values_mut().filter(|unit| unit.received.is_none()) {
            unit.received = recorded.get(&unit.arrived).copied();
        }
    }
}

/// Units as a change leaves them.
type Changed = Vec<(String, Unit)>;

/// A change of a level whose item has serial numbers.
pub(super) struct Change<'a> {
    pub(super) key: &'a Key,
    pub(super) kind: &'static str,
    pub(super) deltas: States,
    pub(super) hold: Option<Uuid>,
    pub(super) transfer: Option<Uuid>,
    /// Of the level after it.
    pub(super) version: i64,
}

impl Model {
    /// Does to units what a change does to their level.
    pub(super) fn track_units(&mut self, change: &Change<'_>) -> Result<(), Refusal> {
        let States {
            on_hand,
            reserved,
            in_transit,
            damaged,
            ..
        } = change.deltas;
        if !self.items[&change.key.0].by_serial || (on_hand, reserved, in_transit, damaged) == (0, 0, 0, 0) {
            return Ok(());
        }
        let changed = if reserved != 0 {
            self.held_units(change)?
        } else if ["dispatch", "transfer_loss", "transfer_in"].contains(&change.kind) {
            self.carried_units(change)?
        } else if on_hand < 0 || damaged < 0 {
            self.leaving_units(change)?
        } else if on_hand == 0 && damaged == 0 {
            Vec::new()
        } else if change.transfer.is_some() {
            self.carried_units(change)?
        } else {
            self.arriving_units(change)?
        };
        self.serials.taken = changed.iter().map(|(serial, _)| serial.clone()).collect();
        let sku = &change.key.0;
        let named = changed.into_iter().map(|(serial, unit)| ((sku.clone(), serial), unit));
        self.serials.units.extend(named);
        Ok(())
    }

    /// The serial numbers that a command names, in its order; none of them twice.
    fn named_units(&self) -> Result<Option<&[String]>, Refusal> {
        let Some(named) = self.naming.serials.as_deref() else {
            return Ok(None);
        };
        let distinct: BTreeSet<&String> = named.iter().collect();
        if distinct.len() < named.len() {
            return Err(Refusal("IV023"));
        }
        Ok(Some(named))
    }

    /// The same where each unit has to be named.
    fn required_units(&self, quantity: i64) -> Result<&[String], Refusal> {
        let named = self.named_units()?.unwrap_or_default();
        if i64::try_from(named.len()) != Ok(quantity) {
            return Err(Refusal("IV023"));
        }
        Ok(named)
    }

    /// Named units that lie where the change is, and that nobody else has named.
    fn units_there(&self, change: &Change<'_>, named: &[String], stand: Stand) -> Result<Changed, Refusal> {
        let mut found = Vec::new();
        for serial in named {
            let unit = self.serials.units.get(&(change.key.0.clone(), serial.clone()));
            let there = unit.filter(|unit| unit.is_at(&change.key.1, stand));
            found.push((serial.clone(), there.ok_or(Refusal("IV025"))?.clone()));
        }
        if found
            .iter()
            .any(|(_, unit)| unit.hold.is_some() && unit.hold != change.hold)
        {
            return Err(Refusal("IV001"));
        }
        Ok(found)
    }

    fn units_of<'a>(&'a self, sku: &'a str) -> impl Iterator<Item = (&'a String, &'a Unit)> {
        let of_sku = self.serials.units.iter().filter(move |((of, _), _)| of == sku);
        of_sku.map(|((_, serial), unit)| (serial, unit))
    }

    /// For a sale that names no units: those that its reservation names, then the oldest.
    fn oldest_units(&self, change: &Change<'_>, quantity: i64) -> Result<Changed, Refusal> {
        let mut free: Vec<(&String, &Unit)> = self
            .units_of(&change.key.0)
            .filter(|(_, unit)| unit.is_at(&change.key.1, Stand::InStock))
            .filter(|(_, unit)| unit.hold.is_none() || unit.hold == change.hold)
            .collect();
        free.sort_by_key(|(serial, unit)| (unit.hold.is_none(), unit.received, (*serial).clone()));
        let wanted = usize::try_from(quantity).unwrap_or(usize::MAX);
        if free.len() < wanted {
            return Err(Refusal("IV022"));
        }
        let oldest = free.into_iter().take(wanted);
        Ok(oldest.map(|(serial, unit)| (serial.clone(), unit.clone())).collect())
    }

    /// A reservation holds a quantity, and certain units only if they are named. When it ends, what is not sold of these is free again.
    fn held_units(&self, change: &Change<'_>) -> Result<Changed, Refusal> {
        let States { on_hand, reserved, .. } = change.deltas;
        let named = self.naming.serials.is_some();
        if reserved > 0 {
            if !named {
                return Ok(Vec::new());
            }
            let held = self.units_there(change, self.required_units(reserved)?, Stand::InStock)?;
            let hold = |(serial, unit): (String, Unit)| {
                (
                    serial,
                    Unit {
                        hold: change.hold,
                        ..unit
                    },
                )
            };
            return Ok(held.into_iter().map(hold).collect());
        }
        let sold = if on_hand == 0 {
            Vec::new()
        } else if named {
            self.units_there(change, self.required_units(-on_hand)?, Stand::InStock)?
        } else {
            self.oldest_units(change, -on_hand)?
        };
        let is_sold = |serial: &String| sold.iter().any(|(of, _)| of == serial);
        let freed: Changed = self
            .units_of(&change.key.0)
            .filter(|(serial, unit)| {
                unit.is_at(&change.key.1, Stand::InStock) && unit.hold == change.hold && !is_sold(serial)
            })
            .map(|(serial, unit)| (serial.clone(), unit.now(Stand::InStock, Some(&change.key.1))))
            .collect();
        let mut changed: Changed = Vec::new();
        for (serial, unit) in sold {
            let hold = change.hold;
            let unit = Unit {
                hold,
                ..unit.now(Stand::Shipped, None)
            };
            changed.push((serial, unit));
        }
        changed.extend(freed);
        Ok(changed)
    }

    /// Named units that leave the shelf or the damaged ones: on the way, to the other bucket, or for good.
    fn leaving_units(&self, change: &Change<'_>) -> Result<Changed, Refusal> {
        let States { on_hand, damaged, .. } = change.deltas;
        let from = if on_hand < 0 { Stand::InStock } else { Stand::Damaged };
        let left = self.units_there(change, self.required_units((-on_hand).max(-damaged))?, from)?;
        let stand = match change.kind {
            "ship" | "transfer_out" => Stand::InTransit,
            _ if damaged > 0 => Stand::Damaged,
            _ if on_hand > 0 => Stand::InStock,
            _ => Stand::Removed,
        };
        let place = Some(change.key.1.as_str()).filter(|_| stand != Stand::Removed);
        let transfer = change.transfer;
        let leave = |(serial, unit): (String, Unit)| {
            let unit = Unit {
                transfer,
                ..unit.now(stand, place)
            };
            (serial, unit)
        };
        Ok(left.into_iter().map(leave).collect())
    }

    /// What comes in: new units, and such as were gone. What was sold does not come back by a receipt.
    fn arriving_units(&self, change: &Change<'_>) -> Result<Changed, Refusal> {
        let States { on_hand, damaged, .. } = change.deltas;
        let receipt = change.kind == "receipt" || change.kind == "order_receipt";
        let mut changed = Vec::new();
        for serial in self.required_units(on_hand + damaged)? {
            let known = self.serials.units.get(&(change.key.0.clone(), serial.clone()));
            let gone = known.is_none_or(|unit| match unit.stand {
                Stand::Removed => true,
                Stand::Shipped => !receipt,
                Stand::InStock | Stand::Damaged | Stand::InTransit => false,
            });
            if !gone {
                return Err(Refusal("IV024"));
            }
            let unit = Unit {
                stand: if damaged > 0 { Stand::Damaged } else { Stand::InStock },
                place: Some(change.key.1.clone()),
                hold: None,
                transfer: None,
                arrived: (change.key.clone(), change.version),
                received: None,
            };
            changed.push((serial.clone(), unit));
        }
        Ok(changed)
    }
}

/// The serial numbers that lines name, one line after the other; in a receipt the received units come before the damaged ones, and those
/// before the lost ones.
pub(super) fn named_serials(lines: &[&Value]) -> Option<Vec<String>> {
    let mut named: Vec<(usize, String)> = Vec::new();
    for line in lines {
        let (received, damaged) = (count(line, "received"), count(line, "damaged"));
        for (place, serial) in (1..).zip(line["serials"].as_array().into_iter().flatten()) {
            let part = usize::from(place > received) + usize::from(place > received + damaged);
            named.extend(text(serial).map(|serial| (part, serial)));
        }
    }
    named.sort_by_key(|(part, _)| *part);
    (!named.is_empty()).then(|| named.into_iter().map(|(_, serial)| serial).collect())
}
