//! Replication slots, on a real Postgres.

use crate::stock::{apply, available, cached, id_of, levels, open, redis};
use crate::story::level_in_log;
use crate::{index, stock};
use anyhow::{Context, Result, ensure};
use onhand_consumers::{ElasticsearchConfig, StockCache, sweep};
use onhand_tests::database::Database;
use onhand_tests::suite::{Body, must_find, test};
use serde_json::Value;
use std::sync::Arc;
use tokio_postgres::{Client, SimpleQueryMessage};
use uuid::Uuid;

/// What the connector is told.
const CONNECTOR: &str = include_str!("../../../connectors/debezium-postgres.json");

pub(super) fn all() -> Vec<(String, Body)> {
    vec![
        test("f18_slot_stands_still_without_heartbeat", no_heartbeat),
        test("f19_slot_made_again_without_snapshot", no_snapshot),
        test("f20_resumed_by_position_alone", position_alone),
    ]
}

/// A slot of one test.
pub(crate) struct Slot(String);

impl Slot {
    pub(crate) async fn make(client: &Client, row: &str, plugin: &str) -> Result<Self> {
        // Slots belong to the server, not to the database of the test.
        let slot = Self(format!("onhand_test_{}_{row}", std::process::id()));
        let make = format!("select pg_create_logical_replication_slot('{}', '{plugin}')", slot.0);
        client.batch_execute(&make).await?;
        Ok(slot)
    }

    pub(crate) async fn drop(self, client: &Client) -> Result<()> {
        let drop = format!("select pg_drop_replication_slot('{}')", self.0);
        Ok(client.batch_execute(&drop).await?)
    }

    /// Position and text of each change of a table since the slot was confirmed, as `test_decoding` writes them.
    pub(crate) async fn lines(&self, client: &Client) -> Result<Vec<(String, String)>> {
        let query = format!(
            "select lsn, data from pg_logical_slot_peek_changes('{}', null, null, 'skip-empty-xacts', '1') where data like 'table %'",
            self.0
        );
        rows(client, &query).await
    }

    /// The rows of `stock_level` in the log since the slot was confirmed, with their positions.
    async fn levels(&self, client: &Client) -> Result<Vec<(String, Value)>> {
        let lines = self.lines(client).await?.into_iter();
        let lines = lines.filter(|(_, line)| line.starts_with("table inventory.stock_level: "));
        lines.map(|(at, line)| Ok((at, level_in_log(&line)?))).collect()
    }

    async fn confirm(&self, client: &Client, position: &str) -> Result<()> {
        let advance = format!("select pg_replication_slot_advance('{}', '{position}')", self.0);
        Ok(client.batch_execute(&advance).await?)
    }
}

/// The first two columns of each row, as text.
async fn rows(client: &Client, query: &str) -> Result<Vec<(String, String)>> {
    let messages = client.simple_query(query).await.with_context(|| query.to_owned())?;
    let rows = messages.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some((row.get(0)?.to_owned(), row.get(1)?.to_owned())),
        _ => None,
    });
    Ok(rows.collect())
}

/// MaterializeInc/materialize 14694: only tables are written that nobody captures.
async fn no_heartbeat(database: Arc<Database>) -> Result<()> {
    let client = database.client().await?;
    client.batch_execute("create table public.noise (text text)").await?;
    let check = |behind: &[bool]| {
        ensure!(!behind.contains(&true), "the slot holds {} rounds back", behind.len());
        Ok(())
    };
    // The mistake: what is captured is all that moves the slot.
    must_find(check(&rounds(&client, "").await?), "the slot holds 4 rounds back")?;

    let connector: Value = serde_json::from_str(CONNECTOR)?;
    let beat = connector["config"]["heartbeat.action.query"]
        .as_str()
        .context("no heartbeat")?;
    check(&rounds(&client, beat).await?)
}

/// Whether the slot was still behind the beginning of each round at its end.
async fn rounds(client: &Client, beat: &str) -> Result<Vec<bool>> {
    let slot = Slot::make(client, "f18", "pgoutput").await?;
    let mut behind = Vec::new();
    for _ in 0..4 {
        let begun: String = client.query_one("select pg_current_wal_lsn()::text", &[]).await?.get(0);
        let noise = "insert into public.noise select repeat(md5(n::text), 60) from generate_series(1, 200) as n";
        client.batch_execute(noise).await?;
        client.batch_execute(beat).await?;
        // A connector confirms the last thing that it was given.
        let given = format!(
            "select max(lsn), '' from pg_logical_slot_peek_binary_changes('{}', null, null, 'proto_version', '1', \
             'publication_names', 'onhand_publication')",
            slot.0
        );
        for (last, _) in rows(client, &given).await? {
            slot.confirm(client, &last).await?;
        }
        let place = format!(
            "select confirmed_flush_lsn < '{begun}' from pg_replication_slots where slot_name = '{}'",
            slot.0
        );
        behind.push(client.query_one(&place, &[]).await?.get(0));
    }
    slot.drop(client).await?;
    Ok(behind)
}

/// PeerDB 3352, debezium 3970: what happened between two slots comes from neither.
async fn no_snapshot(database: Arc<Database>) -> Result<()> {
    let client = open(&database).await?;
    client.batch_execute("select from api.add_stock('B', 'W1', 7)").await?;
    let items = [id_of(&client, "A").await?, id_of(&client, "B").await?];
    let config = redis()?;
    let cache = StockCache::new(&config)?;
    let before = levels(&client).await?;
    apply(&cache, &before).await?;
    let mut faulty = available(&before);

    let lost = Slot::make(&client, "f19", "test_decoding").await?;
    lost.drop(&client).await?;
    gap(&client, items[1]).await?;
    let made = Slot::make(&client, "f19", "test_decoding").await?;
    client.batch_execute("select from api.add_stock('A', 'W2', 1)").await?;
    // The mistake: the stream goes on, and nobody asks where it begins.
    let stream: Vec<Value> = made.levels(&client).await?.into_iter().map(|(_, row)| row).collect();
    made.drop(&client).await?;
    faulty.extend(available(&stream));

    let after = levels(&client).await?;
    let stored = available(&after);
    let check = |found: &stock::Available| {
        let wrong = found
            .iter()
            .filter(|(key, value)| stored.get(*key) != Some(*value))
            .count();
        ensure!(
            wrong == 0 && found.len() == stored.len(),
            "{wrong} rows are not as Postgres has them"
        );
        Ok(())
    };
    must_find(check(&faulty), "2 rows are not as Postgres has them")?;

    // Ours: who makes the slot is told so, orders a snapshot, and takes out what it did not bring.
    apply(&cache, &stream).await?;
    must_find(
        check(&cached(&cache, &items).await?),
        "2 rows are not as Postgres has them",
    )?;
    let told = client.query_one("select api.ensure_replication_slot()", &[]).await?;
    ensure!(
        told.get::<_, &str>(0) == "created",
        "this server has a stack's slot: use a Postgres alone"
    );
    client
        .batch_execute("select pg_drop_replication_slot('onhand_debezium')")
        .await?;
    apply(&cache, &after).await?;
    let elasticsearch = ElasticsearchConfig {
        url: index::serve(&index::Shared::default()).await?,
        ..ElasticsearchConfig::default()
    };
    let swept = sweep::run(&database.settings(), &config, &elasticsearch).await?;
    ensure!(swept.redis == 1, "{swept:?}");
    check(&cached(&cache, &items).await?)
}

/// A change and a delete that no slot sees. No function deletes a balance, and triggers refuse it.
async fn gap(client: &Client, deleted: Uuid) -> Result<()> {
    let gap = format!(
        "select from api.remove_stock('A', 'W1', 4); set session_replication_role = replica; \
         delete from inventory.stock_level where item_id = '{deleted}'; reset session_replication_role"
    );
    Ok(client.batch_execute(&gap).await?)
}

/// debezium 7531: COPY puts many rows into one record of the log, so they share its position.
async fn position_alone(database: Arc<Database>) -> Result<()> {
    let client = open(&database).await?;
    let slot = Slot::make(&client, "f20", "test_decoding").await?;
    let id = id_of(&client, "B").await?;
    // Every column with a default that has to be computed is named: else the rows would come one by one.
    let copy = "copy inventory.stock_level (item_id, location_id, on_hand, available, status, version, last_movement_at, created_at) from stdin";
    let mut copy = Box::pin(client.copy_in::<_, bytes::Bytes>(copy).await?);
    let text: String = ["W1", "W2", "W3"]
        .map(|at| format!("{id}\t{at}\t5\t5\tin_stock\t1\tnow\tnow\n"))
        .concat();
    futures_util::SinkExt::send(&mut copy, bytes::Bytes::from(text)).await?;
    copy.as_mut().finish().await?;
    let stream = slot.levels(&client).await?;
    let again = slot.levels(&client).await?;
    slot.drop(&client).await?;
    ensure!(
        stream.len() == 3 && stream.iter().all(|(at, _)| *at == stream[0].0),
        "{stream:?}"
    );
    // The slot is confirmed by transaction, so after a crash in its middle all of it comes again.
    ensure!(again == stream, "{again:?}");
    let check = |found: &stock::Available| {
        ensure!(found.len() == 3, "{} of 3 rows arrived", found.len());
        Ok(())
    };

    let mut faulty = available(&[stream[0].1.clone()]);
    let done = &stream[0].0;
    // The mistake: the position of the last event stands for the event.
    let left = again.iter().filter(|(at, _)| at > done).map(|(_, row)| row.clone());
    faulty.extend(available(&left.collect::<Vec<_>>()));
    must_find(check(&faulty), "1 of 3 rows arrived")?;

    let cache = StockCache::new(&redis()?)?;
    let rows: Vec<Value> = again.into_iter().map(|(_, row)| row).collect();
    ensure!(apply(&cache, &rows[..1]).await? == 1, "the first is new");
    ensure!(
        apply(&cache, &rows).await? == 2,
        "it comes again, and does nothing; the others are new"
    );
    check(&cached(&cache, &[id]).await?)
}
