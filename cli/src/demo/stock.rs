//! Puts the catalogue into the database: what is there already stays as it is.

use std::collections::{HashMap, HashSet};

use anyhow::{Context, Result, bail};
use futures_util::{StreamExt, TryStreamExt, stream};
use onhand_db::{Outcome, Pool, PooledClient};
use serde_json::{Value, json};
use uuid::Uuid;

use super::goods::{self, Place};
use super::progress::Step;

/// Items in one call.
const ITEMS: usize = 500;
/// Lines of one receipt; each call is one transaction.
const LINES: usize = 500;
/// Calls at a time: two keep the database busy without standing in each other's way.
const CALLS: usize = 2;

/// What is in the database now.
#[derive(Debug)]
pub(super) struct Stock {
    /// Items by their number.
    pub(super) items: Vec<(String, Uuid)>,
    /// Locations in order of priority.
    pub(super) places: Vec<Place>,
    /// Levels that were made now.
    pub(super) made: usize,
}

/// Makes items, locations and levels that are missing.
pub(super) async fn load(pool: &Pool, items: usize, places: usize) -> Result<Stock> {
    let places = goods::places(places);
    let bodies: Vec<Value> = places
        .iter()
        .zip(1..)
        .map(|(place, priority)| place.body(priority))
        .collect();
    onhand_db::upsert_locations(&pool.get().await?, &bodies).await?;
    let items = load_items(pool, items).await?;
    let made = load_levels(pool, &items, &places).await?;
    load_thresholds(pool, &items, &places, made > 0).await?;
    Ok(Stock { items, places, made })
}

async fn load_items(pool: &Pool, count: usize) -> Result<Vec<(String, Uuid)>> {
    let step = Step::new("items", count);
    let client = pool.get().await?;
    let mut items = Vec::with_capacity(count);
    for first in (0..count).step_by(ITEMS) {
        let numbers = first..(first + ITEMS).min(count);
        let skus: Vec<String> = numbers.clone().map(goods::sku).collect();
        let mut ids: HashMap<String, Uuid> = onhand_db::item_ids(&client, &skus).await?.into_iter().collect();
        let missing: Vec<Value> = numbers
            .zip(&skus)
            .filter(|(_, sku)| !ids.contains_key(*sku))
            .map(|(number, _)| goods::item(number))
            .collect();
        if !missing.is_empty() {
            let made = onhand_db::upsert_items(&client, &missing).await?;
            ids.extend(made.into_iter().map(|item| (item.sku, item.id)));
        }
        for sku in skus {
            let id = ids
                .get(&sku)
                .copied()
                .with_context(|| format!("item {sku} was not made"))?;
            items.push((sku, id));
        }
        step.set(items.len());
    }
    step.done();
    Ok(items)
}

async fn load_levels(pool: &Pool, items: &[(String, Uuid)], places: &[Place]) -> Result<usize> {
    let step = Step::new("stock levels", items.len() * places.len());
    let batches: Vec<(usize, usize)> = (0..places.len())
        .flat_map(|place| (0..items.len()).step_by(LINES).map(move |first| (place, first)))
        .collect();
    let made: Vec<usize> = stream::iter(batches)
        .map(|(place, first)| {
            let step = &step;
            async move {
                let made = load_batch(&pool.get().await?, items, places, place, first).await?;
                step.add(LINES.min(items.len() - first));
                Ok::<_, anyhow::Error>(made)
            }
        })
        .buffer_unordered(CALLS)
        .try_collect()
        .await?;
    step.done();
    Ok(made.into_iter().sum())
}

/// Receives the opening stock of some items at one place, where there is no level yet.
async fn load_batch(
    client: &PooledClient,
    items: &[(String, Uuid)],
    places: &[Place],
    place: usize,
    first: usize,
) -> Result<usize> {
    let location = places.get(place).map(|place| place.id.as_str()).unwrap_or_default();
    let batch: Vec<(usize, &(String, Uuid))> = items.iter().enumerate().skip(first).take(LINES).collect();
    let ids: Vec<Uuid> = batch.iter().map(|(_, (_, id))| *id).collect();
    let there: HashSet<Uuid> = client
        .query(
            "select item_id from inventory.stock_level where item_id = any($1) and location_id = $2",
            &[&ids, &location],
        )
        .await
        .map_err(onhand_db::DbError::from)?
        .iter()
        .map(|row| row.try_get(0))
        .collect::<Result<_, _>>()?;
    let lines: Vec<Value> = batch
        .iter()
        .filter(|(_, (_, id))| !there.contains(id))
        .map(|(number, (sku, _))| {
            json!({"sku": sku, "location": location, "quantity": goods::opening_units(*number, place)})
        })
        .collect();
    if lines.is_empty() {
        return Ok(0);
    }
    let made = lines.len();
    let command = json!({"op": "add", "lines": lines, "reason": "opening stock", "reference": "demo"});
    match onhand_db::apply_commands(client, &[command], None, "demo").await?.pop() {
        Some(Outcome::Applied(_) | Outcome::Replayed(_)) => Ok(made),
        Some(Outcome::Refused(refusal)) => Err(refusal).with_context(|| format!("opening stock at {location}")),
        None => bail!("the database gave no answer"),
    }
}

/// Sets safety stock and reorder point of the levels that have one. Only after levels were made: later they belong to
/// whoever changed them.
async fn load_thresholds(pool: &Pool, items: &[(String, Uuid)], places: &[Place], made: bool) -> Result<()> {
    if !made {
        return Ok(());
    }
    let mut wanted = Vec::new();
    for (number, (sku, _)) in items.iter().enumerate() {
        for (position, place) in places.iter().enumerate() {
            if let Some((safety, reorder)) = goods::thresholds(number, position) {
                wanted.push((sku.as_str(), place.id.as_str(), safety, reorder));
            }
        }
    }
    let step = Step::new("reorder points", wanted.len());
    stream::iter(wanted)
        .map(Ok::<_, anyhow::Error>)
        .try_for_each_concurrent(CALLS, |(sku, location, safety, reorder)| {
            let step = &step;
            async move {
                onhand_db::set_stock_policy(&pool.get().await?, sku, location, Some(safety), Some(reorder), None)
                    .await?;
                step.add(1);
                Ok(())
            }
        })
        .await?;
    step.done();
    Ok(())
}
