//! Which lots a change takes its units from: first expired first out.

use super::{Change, Lot, NEEDS_SELLABLE, Shares, Source};
use crate::model::{Model, Refusal, TransferLine};

impl Model {
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
    pub(super) fn take(&self, change: &Change<'_>, source: Source, skip: i64, wanted: i64) -> Result<Shares, Refusal> {
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
}
