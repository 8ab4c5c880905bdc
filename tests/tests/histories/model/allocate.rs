//! Where a reservation takes what it wants, if its command leaves that to a strategy.

use super::lines::{Demand, lines, text};
use super::{Key, Model, Refusal};
use serde_json::Value;
use std::collections::BTreeMap;

/// A place that has a row of the item and may be reserved from.
struct Candidate {
    place: String,
    available: i64,
    policy: String,
}

impl Candidate {
    fn has(&self, wanted: i64) -> bool {
        self.available >= wanted || self.policy == "unlimited"
    }
}

impl Model {
    pub(super) fn allocate(&self, command: &Value) -> Result<Vec<(Key, i64)>, Refusal> {
        let demand = if command["partial"] == true {
            self.fit(command)
        } else {
            self.demand(command)
        };
        let Some(strategy) = text(&command["strategy"]) else {
            return Ok(demand
                .into_iter()
                .map(|((sku, place), quantity)| ((sku, place.unwrap_or_default()), quantity))
                .collect());
        };
        let wanted: BTreeMap<String, i64> = demand.into_iter().map(|((sku, _), quantity)| (sku, quantity)).collect();
        if strategy == "fewest_splits"
            && let Some(place) = self.one_place(command, &wanted)
        {
            return Ok(wanted
                .into_iter()
                .map(|(sku, quantity)| ((sku, place.clone()), quantity))
                .collect());
        }
        let mut taken = Vec::new();
        for (sku, quantity) in wanted {
            let spread = self.spread(command, &sku, quantity);
            let found: i64 = spread.values().sum();
            if found < quantity && command["partial"] != true {
                return Err(Refusal("IV001"));
            }
            taken.extend(
                spread
                    .into_iter()
                    .map(|(place, quantity)| ((sku.clone(), place), quantity)),
            );
        }
        Ok(taken)
    }

    /// What of a demand can be had, each line after the ones before it: of a bundle only whole ones.
    fn fit(&self, command: &Value) -> Demand {
        let mut taken = Demand::new();
        for line in lines(command) {
            let parts = self.parts(line["sku"].as_str().unwrap_or_default());
            let place = text(&line["location"]);
            let mut count = line["quantity"].as_i64().unwrap_or_default();
            for (sku, inner) in &parts {
                if let Some(free) = self.free(command, sku, place.as_deref()) {
                    let left = free - taken.get(&(sku.clone(), place.clone())).copied().unwrap_or_default();
                    count = count.min(left.div_euclid(*inner));
                }
            }
            for (sku, inner) in parts {
                *taken.entry((sku, place.clone())).or_default() += count * inner;
            }
        }
        taken.retain(|_, quantity| *quantity > 0);
        taken
    }

    /// How many units of an item there are where a command looks; none where it may have as many as it wants.
    fn free(&self, command: &Value, sku: &str, place: Option<&str>) -> Option<i64> {
        let Some(place) = place else {
            let candidates = self.candidates(command, sku);
            let endless = |candidate: &Candidate| candidate.policy == "oversell" || candidate.policy == "unlimited";
            let sum = candidates.iter().map(|candidate| candidate.available.max(0)).sum();
            return (!candidates.iter().any(endless)).then_some(sum);
        };
        let level = self.level(&(sku.to_owned(), place.to_owned()));
        (!level.endless()).then(|| level.states.available().max(0))
    }

    /// Open places that have the item, or whose policy promises it without, in the order of the strategy.
    fn candidates(&self, command: &Value, sku: &str) -> Vec<Candidate> {
        let listed: Option<Vec<String>> = command["locations"]
            .as_array()
            .map(|places| places.iter().filter_map(text).collect());
        let mut found: Vec<(Option<usize>, i32, Candidate)> = Vec::new();
        for (place, settings) in &self.places {
            let key = (sku.to_owned(), place.clone());
            let level = self.level(&key);
            let position = listed
                .as_ref()
                .and_then(|places| places.iter().position(|name| name == place));
            let serves = self.levels.contains_key(&key) || level.policy != "deny";
            if settings.closed || !serves || (listed.is_some() && position.is_none()) {
                continue;
            }
            let candidate = Candidate {
                place: place.clone(),
                available: level.states.available(),
                policy: level.policy.clone(),
            };
            let position = position.filter(|_| command["strategy"] == "nearest");
            found.push((position, settings.priority, candidate));
        }
        found.sort_by(|left, right| (left.0, left.1, &left.2.place).cmp(&(right.0, right.1, &right.2.place)));
        found.into_iter().map(|(_, _, candidate)| candidate).collect()
    }

    /// The first place, by priority, that has the whole order.
    fn one_place(&self, command: &Value, wanted: &BTreeMap<String, i64>) -> Option<String> {
        let mut places: Vec<(&String, i32)> = self.places.iter().map(|(id, place)| (id, place.priority)).collect();
        places.sort_by_key(|(id, priority)| (*priority, (*id).clone()));
        places
            .into_iter()
            .map(|(id, _)| id)
            .find(|id| {
                wanted.iter().all(|(sku, quantity)| {
                    self.candidates(command, sku)
                        .iter()
                        .any(|candidate| candidate.place == **id && candidate.has(*quantity))
                })
            })
            .cloned()
    }

    /// Spreads the demand for one item: each place gives what it has; what nobody has goes to the first that promises more.
    fn spread(&self, command: &Value, sku: &str, wanted: i64) -> BTreeMap<String, i64> {
        let mut candidates = self.candidates(command, sku);
        if command["strategy"] == "fewest_splits" {
            // Stable: of those that have all of it, and of those that have as much, the better ranked comes first.
            candidates.sort_by_key(|candidate| {
                if candidate.has(wanted) {
                    (0, 0)
                } else {
                    (1, -candidate.available)
                }
            });
        }
        let mut rest = wanted;
        let mut spread = BTreeMap::new();
        for candidate in &candidates {
            let given = if candidate.policy == "unlimited" {
                rest
            } else {
                candidate.available.clamp(0, rest)
            };
            rest -= given;
            if given > 0 {
                spread.insert(candidate.place.clone(), given);
            }
        }
        if rest > 0
            && let Some(taker) = candidates.iter().find(|candidate| candidate.policy != "deny")
        {
            *spread.entry(taker.place.clone()).or_default() += rest;
        }
        spread
    }
}
