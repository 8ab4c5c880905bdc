//! Parts of the read models that cannot be written for a while: keys of Redis, indexes of Elasticsearch.

use super::subject::Part;
use super::world::World;
use anyhow::{Result, ensure};
use onhand_tests::stack::eventually;
use serde_json::{Value, json};

/// Where the hash stands meanwhile whose key something else has.
const ASIDE: &str = "conformance:aside:";
/// Rows of the suite: item, SKU, location, version.
const LEVELS: &str = "select i.id::text, i.sku, s.location_id, s.version from inventory.stock_level as s \
    join inventory.item as i on i.id = s.item_id where i.sku ~ '^CONF-[1-8]$'";
/// Totals of the suite: item, version.
const SUMMARIES: &str = "select i.id::text, s.version from inventory.stock_summary as s \
    join inventory.item as i on i.id = s.item_id where i.sku ~ '^CONF-[1-8]$'";

/// The item whose key is of another type.
fn sku_of(part: Part) -> &'static str {
    match part {
        Part::Gate => "CONF-7",
        Part::Broken => "CONF-8",
    }
}

/// The item's key in Redis and the one for its hash meanwhile.
async fn keys_of(world: &World, part: Part) -> Result<(String, String)> {
    let sku = sku_of(part);
    let query = format!("select id::text from inventory.item where sku = '{sku}'");
    let rows = world.query(&query).await?;
    ensure!(rows.len() == 1, "there is no item {sku}");
    let item: String = rows[0].get(0);
    Ok((format!("catalog:stock:{{{item}}}"), format!("{ASIDE}{{{item}}}")))
}

/// Puts a text where the hash of an item stands.
pub(crate) async fn replace_key(world: &World, part: Part) -> Result<()> {
    let (key, aside) = keys_of(world, part).await?;
    let mut redis = world.stack.redis().await?;
    let mut both = redis::pipe();
    both.atomic();
    both.cmd("RENAME").arg(&key).arg(&aside).ignore();
    both.cmd("SET").arg(&key).arg("no hash").ignore();
    Ok(both.query_async(&mut redis).await?)
}

/// Puts the hash back, if it stands aside.
pub(crate) async fn restore_key(world: &World, part: Part) -> Result<()> {
    let (key, aside) = keys_of(world, part).await?;
    let mut redis = world.stack.redis().await?;
    let stands_aside: bool = redis::cmd("EXISTS").arg(&aside).query_async(&mut redis).await?;
    if stands_aside {
        // In place of the text.
        let _: String = redis::cmd("RENAME")
            .arg(&aside)
            .arg(&key)
            .query_async(&mut redis)
            .await?;
    }
    Ok(())
}

pub(crate) async fn other_keys_hold(world: &World) -> Result<()> {
    eventually("the other items are in Redis", || async {
        for row in world.query(LEVELS).await? {
            let (item, sku, location): (String, String, String) = (row.get(0), row.get(1), row.get(2));
            if sku != sku_of(Part::Broken) && world.stack.cached_version(&item, &location).await? < row.get::<_, i64>(3)
            {
                return Ok(false);
            }
        }
        Ok(true)
    })
    .await?;
    let (key, _) = keys_of(world, Part::Broken).await?;
    let mut redis = world.stack.redis().await?;
    let kind: String = redis::cmd("TYPE").arg(&key).query_async(&mut redis).await?;
    ensure!(kind == "string", "{key} is a {kind}");
    Ok(())
}

/// Closes an index to writes, as a full disk does, or opens it.
pub(crate) async fn block_index(world: &World, part: Part, on: bool) -> Result<()> {
    // Totals come later than the rows that they are of: the gate must not wait for them.
    let index = match part {
        Part::Gate => "onhand-stock",
        Part::Broken => "onhand-summaries",
    };
    let url = format!("{}/{index}/_settings", world.stack.elasticsearch);
    let settings = json!({"index": {"blocks": {"write": on}}});
    let answer = reqwest::Client::new().put(url).json(&settings).send().await?;
    ensure!(answer.status().is_success(), "{index}: {}", answer.text().await?);
    Ok(())
}

pub(crate) async fn other_indexes_hold(world: &World) -> Result<()> {
    eventually("the rows are in Elasticsearch, the totals are not", || async {
        for row in world.query(LEVELS).await? {
            let id = format!("{}:{}", row.get::<_, String>(0), row.get::<_, String>(2));
            if version_of(world.stack.document("onhand-stock", &id).await?) < row.get::<_, i64>(3) {
                return Ok(false);
            }
        }
        let mut behind = 0;
        for row in world.query(SUMMARIES).await? {
            let found = world.stack.document("onhand-summaries", row.get::<_, &str>(0)).await?;
            behind += u32::from(version_of(found) < row.get::<_, i64>(1));
        }
        Ok(behind > 0)
    })
    .await
}

fn version_of(document: Option<(i64, Value)>) -> i64 {
    document.map_or(0, |(version, _)| version)
}
