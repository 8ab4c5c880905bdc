//! What becomes of units after the first step of a move or a transfer.

use super::{Change, Changed, Stand, Unit};
use crate::model::{Model, Refusal, States};

impl Model {
    /// The steps of a move or transfer after the first one.
    pub(super) fn carried_units(&self, change: &Change<'_>) -> Result<Changed, Refusal> {
        let States {
            on_hand,
            in_transit,
            damaged,
            ..
        } = change.deltas;
        let here = Some(change.key.1.as_str());
        if change.kind == "transfer_in" {
            let sku = &change.key.0;
            let arrive = |serial: &String| {
                let unit = &self.serials.units[&(sku.clone(), serial.clone())];
                (serial.clone(), unit.now(Stand::InStock, here))
            };
            return Ok(self.serials.taken.iter().map(arrive).collect());
        }
        let quantity = match change.kind {
            "dispatch" => in_transit,
            "transfer_loss" => -in_transit,
            _ => on_hand + damaged,
        };
        let become_of = |(place, (serial, unit)): (i64, (String, Unit))| {
            let unit = match change.kind {
                "dispatch" => Unit {
                    transfer: change.transfer,
                    ..unit.now(Stand::InTransit, here)
                },
                "transfer_loss" => unit.now(Stand::Removed, None),
                _ if place < on_hand => unit.now(Stand::InStock, here),
                _ => unit.now(Stand::Damaged, here),
            };
            (serial, unit)
        };
        let carried = self.units_on_the_way(change, quantity)?;
        Ok((0..).zip(carried).map(become_of).collect())
    }

    /// Units of a transfer that are still on the way: the first of the named ones, or all that are left if one thing became of all.
    fn units_on_the_way(&self, change: &Change<'_>, quantity: i64) -> Result<Changed, Refusal> {
        let named = self.named_units()?.unwrap_or_default();
        let position = |serial: &String| named.iter().position(|name| name == serial);
        let mut left: Vec<(&String, &Unit)> = self
            .units_of(&change.key.0)
            .filter(|(_, unit)| unit.stand == Stand::InTransit && unit.transfer == change.transfer)
            .collect();
        left.sort_by_key(|(serial, _)| (position(serial).is_none(), position(serial), (*serial).clone()));
        let on_the_way = |serial: &String| left.iter().any(|(of, _)| *of == serial);
        if change.kind == "receive" && !named.iter().all(on_the_way) {
            return Err(Refusal("IV025"));
        }
        let wanted = usize::try_from(quantity).unwrap_or(usize::MAX);
        let found = named.iter().filter(|serial| on_the_way(serial)).count();
        let all = left.len() == wanted && change.deltas.on_hand.min(change.deltas.damaged) == 0;
        if found < wanted && !all {
            return Err(Refusal("IV023"));
        }
        let first = left.into_iter().take(wanted);
        Ok(first.map(|(serial, unit)| (serial.clone(), unit.clone())).collect())
    }
}
