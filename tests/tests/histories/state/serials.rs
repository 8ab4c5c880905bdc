//! Units with serial numbers against the model, and against the level that they are a part of.

use crate::model::{Model, Stand};
use anyhow::{Result, ensure};
use std::collections::BTreeMap;
use tokio_postgres::Client;
use uuid::Uuid;

const UNITS: &str = "
    select i.sku, s.serial, s.status, s.location_id, s.reservation_id, s.transfer_id
    from inventory.serial as s
    join inventory.item as i on i.id = s.item_id
    where i.sku = any ($1)";

type Found = (String, Option<String>, Option<Uuid>, Option<Uuid>);

pub(super) async fn compare(client: &Client, model: &Model) -> Result<()> {
    let of_serials = model.items.iter().filter(|(_, item)| item.by_serial);
    let skus: Vec<&String> = of_serials.map(|(sku, _)| sku).collect();
    let mut found: BTreeMap<(String, String), Found> = BTreeMap::new();
    for row in client.query(UNITS, &[&skus]).await? {
        found.insert(
            (row.get(0), row.get(1)),
            (row.get(2), row.get(3), row.get(4), row.get(5)),
        );
    }
    let units = model.serials.units.iter();
    let right: BTreeMap<(String, String), Found> = units
        .map(|(name, unit)| {
            let stand = unit.stand.name().to_owned();
            (name.clone(), (stand, unit.place.clone(), unit.hold, unit.transfer))
        })
        .collect();
    ensure!(found == right, "the units are {found:#?}\nand should be {right:#?}");
    add_up(model, &skus)
}

/// The model has worked out both by themselves: the units on each shelf are what its level says, and no more of them are named by
/// reservations than are reserved.
fn add_up(model: &Model, skus: &[&String]) -> Result<()> {
    for (key, level) in model.levels.iter().filter(|(key, _)| skus.contains(&&key.0)) {
        let count = |stand: Stand, named: bool| {
            let units = model.serials.units.iter().filter(|((sku, _), unit)| {
                *sku == key.0
                    && unit.stand == stand
                    && unit.place.as_ref() == Some(&key.1)
                    && (!named || unit.hold.is_some())
            });
            i64::try_from(units.count()).unwrap_or(i64::MAX)
        };
        let found = [Stand::InStock, Stand::Damaged, Stand::InTransit].map(|stand| count(stand, false));
        let states = level.states;
        let right = [states.on_hand, states.damaged, states.in_transit];
        ensure!(found == right, "at {key:?} there are the units {found:?} of {right:?}");
        let named = count(Stand::InStock, true);
        ensure!(
            named <= states.reserved,
            "at {key:?} {named} units are named of {} that are reserved",
            states.reserved
        );
    }
    Ok(())
}
