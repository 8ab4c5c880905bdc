//! Caches that hold what is not so, and nobody notices.

use crate::stock::{apply, available, cached, id_of, levels, load, open, redis};
use anyhow::{Context, Result, ensure};
use onhand_cdc::KafkaConfig;
use onhand_consumers::cache::declare_warm;
use onhand_consumers::verify::{Options, Targets, Verifier};
use onhand_consumers::{RedisConfig, StockCache};
use onhand_tests::database::Database;
use onhand_tests::suite::{Body, must_find, test};
use secrecy::ExposeSecret;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

pub(super) fn all() -> Vec<(String, Body)> {
    vec![
        test("f12_cursors_are_green_and_rows_are_wrong", green_cursors),
        test("f15_row_is_read_again_before_it_can_be_seen", read_again),
        test("f16_refill_overtaken_by_an_update", late_refill),
        test("f26_empty_cache_is_taken_for_the_truth", empty_cache),
    ]
}

async fn redis_session(config: &RedisConfig) -> Result<redis::aio::MultiplexedConnection> {
    let client = redis::Client::open(config.url.expose_secret())?;
    Ok(client.get_multiplexed_async_connection().await?)
}

/// toluaina/pgsync 511: rows differ, while every cursor is where it should be.
async fn green_cursors(database: Arc<Database>) -> Result<()> {
    let client = open(&database).await?;
    let id = id_of(&client, "A").await?;
    let config = redis()?;
    let cache = StockCache::new(&config)?;
    load(&cache, &levels(&client).await?).await?;
    declare_warm(&cache).await?;
    // The drift: another value under the same version, as a bug or a hand leaves it.
    let item = cache.peek(&[id]).await?.pop().flatten().context("not cached")?;
    let mut row = item.at("W1").context("not cached")?.clone();
    row.available = 99;
    row.on_hand = 99;
    let () = redis::cmd("HSET")
        .arg(cache.keys().item(id))
        .arg("row:W1")
        .arg(row.format())
        .query_async(&mut redis_session(&config).await?)
        .await?;
    let check = |found: u64| {
        ensure!(found > 0, "a wrong row is not found");
        Ok(())
    };

    // The mistake: where everybody has got to is all that is compared.
    let newest = "select max(s.version) from inventory.stock_level as s";
    let stored: i64 = client.query_one(newest, &[]).await?.get(0);
    let held = item.rows.iter().map(|row| row.version.get()).max();
    must_find(check(u64::from(held != Some(stored))), "a wrong row is not found")?;

    let verifier = Verifier::new(&Targets {
        database: database.settings(),
        // Not asked: no event can explain another value of the same version.
        kafka: KafkaConfig::default(),
        topic_prefix: "onhand.inventory".to_owned(),
        redis: Some(config),
        elasticsearch: None,
    })?;
    let options = Options {
        repair: true,
        wait: Duration::from_secs(30),
        ..Options::default()
    };
    let report = verifier.verify(&options).await?;
    check(report.count())?;
    ensure!(report.left() == 0, "{report:?}");
    ensure!(
        cached(&cache, &[id]).await? == available(&levels(&client).await?),
        "repaired, and still wrong"
    );
    let report = verifier.verify(&options).await?;
    ensure!(report.is_equal(), "{report:?}");
    Ok(())
}

/// Trendyol/go-pq-cdc 171: a standby has the log before others can see the row. Here its transaction is still open.
async fn read_again(database: Arc<Database>) -> Result<()> {
    let (writer, other) = (open(&database).await?, database.client().await?);
    let id = id_of(&writer, "A").await?;
    let cache = StockCache::new(&redis()?)?;
    load(&cache, &levels(&other).await?).await?;
    writer
        .batch_execute("begin; select from api.remove_stock('A', 'W1', 4)")
        .await?;
    // The event has the row as the log has it.
    let told = levels(&writer).await?;

    // The mistake: the event is taken for a hint that there is something to be read.
    let faulty = available(&levels(&other).await?);
    apply(&cache, &told).await?;

    writer.batch_execute("commit").await?;
    let stored = available(&levels(&other).await?);
    let check = |found: &BTreeMap<(Uuid, String), i64>| {
        let at = (id, "W1".to_owned());
        ensure!(*found == stored, "cached {}, stored {}", found[&at], stored[&at]);
        Ok(())
    };
    must_find(check(&faulty), "cached 10, stored 6")?;
    check(&cached(&cache, &[id]).await?)
}

/// A reader finds nothing in the cache and asks Postgres; before it has written down the answer, an update comes by.
async fn late_refill(database: Arc<Database>) -> Result<()> {
    let client = open(&database).await?;
    let id = id_of(&client, "A").await?;
    let cache = StockCache::new(&redis()?)?;
    let answer = levels(&client).await?;
    client
        .batch_execute("select from api.remove_stock('A', 'W1', 4)")
        .await?;
    let update = levels(&client).await?;
    let stored = available(&update);
    let check = |found: &BTreeMap<(Uuid, String), i64>| {
        let at = (id, "W1".to_owned());
        ensure!(*found == stored, "cached {}, stored {}", found[&at], stored[&at]);
        Ok(())
    };

    let mut faulty = available(&update);
    // The mistake: what is written last is taken for the newest.
    faulty.extend(available(&answer));
    must_find(check(&faulty), "cached 10, stored 6")?;

    apply(&cache, &update).await?;
    load(&cache, &answer).await?;
    check(&cached(&cache, &[id]).await?)?;
    let read = cache
        .read(&[id])
        .await?
        .pop()
        .flatten()
        .context("filled, and not trusted")?;
    ensure!(read.available == 11, "{read:?}");
    Ok(())
}

/// The cache comes back empty, and the next event brings one row of two.
async fn empty_cache(database: Arc<Database>) -> Result<()> {
    let client = open(&database).await?;
    let id = id_of(&client, "A").await?;
    let config = redis()?;
    let cache = StockCache::new(&config)?;
    load(&cache, &levels(&client).await?).await?;
    ensure!(cache.read(&[id]).await?.pop().flatten().is_some(), "it was full before");
    let () = redis::cmd("DEL")
        .arg(cache.keys().item(id))
        .query_async(&mut redis_session(&config).await?)
        .await?;
    client
        .batch_execute("select from api.remove_stock('A', 'W1', 1)")
        .await?;
    let rows = levels(&client).await?;
    let stored: i64 = available(&rows).values().sum();
    let check = |read: i64| {
        ensure!(read == stored, "{read} can be bought of {stored}");
        Ok(())
    };

    let mut faulty = BTreeMap::new();
    // The mistake: what is not there counts for nothing, before the event and after it.
    must_find(check(faulty.values().sum()), "0 can be bought of 14")?;
    faulty.extend(available(&rows[..1]));
    must_find(check(faulty.values().sum()), "9 can be bought of 14")?;

    // Ours is asked in the same moments, and says that it does not know: then Postgres is asked, and the answer fills it.
    ensure!(cache.read(&[id]).await? == [None], "an item that is not there");
    apply(&cache, &rows[..1]).await?;
    ensure!(cache.read(&[id]).await? == [None], "an item with one row of two");
    load(&cache, &rows).await?;
    let read = cache
        .read(&[id])
        .await?
        .pop()
        .flatten()
        .context("filled, and not trusted")?;
    check(read.available)
}
