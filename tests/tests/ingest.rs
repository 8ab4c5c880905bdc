//! The ingest consumer killed in the middle of its work, and Postgres away under it: every event has its effect exactly once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, missing_docs)]

use onhand_cdc::topics::INVENTORY_EVENTS;
use onhand_db::tokio_postgres::{Client, NoTls, connect};
use onhand_tests::inbound::{Contract, Inventory, record};
use onhand_tests::kafka::{RawRecord, Sender};
use onhand_tests::process;
use onhand_tests::stack::{Stack, eventually, program};
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

static ONE_AT_A_TIME: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

const PLACE: &str = "INGEST-W1";
/// Each sku is sold and received in turn, so that every event is accepted.
const SKUS: usize = 8;

/// Events that are under way, and what is to become of them.
struct Flood {
    stack: Stack,
    skus: Vec<String>,
    references: Vec<String>,
    records: Vec<RawRecord>,
}

impl Flood {
    async fn new(events: usize) -> Self {
        let stack = Stack::from_env().unwrap();
        let inventory = Inventory::connect(&stack).await.unwrap();
        let contract = Contract::own("inventory/v2_inventory_event.avsc").await.unwrap();
        let run = Uuid::now_v7().simple().to_string();
        let skus: Vec<String> = (0..SKUS).map(|n| format!("FLOOD{n}-{run}")).collect();
        for sku in &skus {
            inventory.stock(sku, &[PLACE], 0).await.unwrap();
        }
        let references: Vec<String> = (0..events).map(|n| format!("{run}-{n}")).collect();
        let records = references
            .iter()
            .enumerate()
            .map(|(n, id)| {
                let sku = &skus[n % SKUS];
                let (event_type, quantity) = if (n / SKUS).is_multiple_of(2) {
                    ("STOCK_IN", 3)
                } else {
                    ("SALE", 2)
                };
                let fields = json!({"eventId": id, "sku": sku, "eventType": event_type, "quantity": quantity,
                    "locationId": PLACE, "timestamp": 1_700_000_000_000_i64});
                record(sku, contract.encode(&fields).unwrap())
            })
            .collect();
        Self {
            stack,
            skus,
            references,
            records,
        }
    }

    async fn applied(&self) -> anyhow::Result<usize> {
        let inventory = Inventory::connect(&self.stack).await?;
        Ok(inventory.movements(&self.references).await?.len())
    }

    async fn applied_at_least(&self, count: usize) {
        eventually(&format!("{count} events are applied"), || async {
            Ok(self.applied().await? >= count)
        })
        .await
        .unwrap();
    }

    /// All of them, each once, and the balances say the same.
    async fn is_applied_once(&self) {
        self.applied_at_least(self.references.len()).await;
        let inventory = Inventory::connect(&self.stack).await.unwrap();
        let counts = inventory.movements(&self.references).await.unwrap();
        assert!(counts.values().all(|count| *count == 1), "something was applied twice");
        let each = i64::try_from(self.references.len() / SKUS / 2).unwrap();
        for sku in &self.skus {
            assert_eq!(inventory.level(sku, PLACE).await.unwrap(), (each, 0, 0), "{sku}");
        }
    }
}

async fn onhand(arguments: &'static [&'static str]) {
    let (code, text) = tokio::task::spawn_blocking(|| program(arguments)).await.unwrap();
    assert_eq!(code, 0, "onhand {arguments:?}: {text}");
}

/// Where metrics and health of the part listen.
fn ready_url() -> String {
    let prefix = std::env::var("ONHAND_PORT_PREFIX").expect("ONHAND_PORT_PREFIX is not set");
    format!("http://127.0.0.1:{prefix}099/ready")
}

async fn readiness() -> anyhow::Result<(u16, Value)> {
    let response = reqwest::get(ready_url()).await?;
    let status = response.status().as_u16();
    Ok((status, response.json().await?))
}

/// Events that the running process was given again after it had applied them in an earlier life.
async fn replayed() -> anyhow::Result<u64> {
    let text = reqwest::get(ready_url().replace("/ready", "/metrics"))
        .await?
        .text()
        .await?;
    let counts = text
        .lines()
        .filter(|line| line.starts_with("onhand_ingest_commands_total") && line.contains("outcome=\"replayed\""))
        .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok());
    Ok(counts.sum())
}

#[tokio::test(flavor = "multi_thread")]
async fn f29_the_ingest_consumer_is_killed_in_the_middle_and_every_event_has_one_effect() {
    // Three are enough if one of them hits between an effect and its offset.
    const ROUNDS: usize = 8;
    const EACH: usize = SKUS * 80;
    let _turn = ONE_AT_A_TIME.lock().await;
    let mut flood = Flood::new(EACH * ROUNDS).await;
    let sender = Sender::new(&flood.stack.brokers).unwrap();
    let (mut again, mut rounds) = (0, 0);
    for (round, part) in flood.records.chunks(EACH).enumerate() {
        let flowing = async {
            // A little at a time: many are applied before their offsets are committed, which is when a kill hurts.
            for few in part.chunks(SKUS * 2) {
                sender.send(INVENTORY_EVENTS, few).await.unwrap();
            }
        };
        let killing = async {
            flood.applied_at_least(round * EACH + EACH / 2).await;
            process::kill_part(&flood.stack.state, "ingest").unwrap();
            onhand(&["up", "ingest"]).await;
            flood.applied_at_least((round + 1) * EACH).await;
        };
        tokio::join!(flowing, killing);
        again += replayed().await.unwrap();
        rounds = round + 1;
        println!("killed {rounds} times, {again} events came again");
        if rounds >= 3 && again > 0 {
            break;
        }
    }
    flood.references.truncate(rounds * EACH);
    flood.is_applied_once().await;
    assert!(again > 0, "no kill hit between an effect and its offset");
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_is_away_for_some_seconds_and_no_event_is_lost() {
    let _turn = ONE_AT_A_TIME.lock().await;
    let flood = Flood::new(SKUS * 400).await;
    let (first, rest) = flood.records.split_at(SKUS * 200);
    flood.stack.produce_all(INVENTORY_EVENTS, first).await.unwrap();
    let before = process::pid(&flood.stack.state, "ingest").unwrap();
    onhand(&["down", "postgres"]).await;
    flood.stack.produce_all(INVENTORY_EVENTS, rest).await.unwrap();
    eventually("the consumer says what it waits for", || async {
        let (status, body) = readiness().await?;
        Ok(status == 503 && body["parts"]["sink"]["ok"] == json!(false) && body.to_string().contains("database"))
    })
    .await
    .unwrap();
    // Longer than its session with the group would last if it did not live.
    tokio::time::sleep(Duration::from_secs(4)).await;
    onhand(&["up", "postgres", "connector"]).await;
    flood.is_applied_once().await;
    eventually("it is ready again", || async { Ok(readiness().await?.0 == 200) })
        .await
        .unwrap();
    let now = process::pid(&flood.stack.state, "ingest").unwrap();
    assert_eq!(now, before, "the same process");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_somebody_holds_for_long_is_waited_for() {
    let _turn = ONE_AT_A_TIME.lock().await;
    let flood = Flood::new(SKUS * 2).await;
    let holder = connect_as_superuser().await;
    let hold = format!(
        "begin; select from inventory.stock_level as s join inventory.item as i on i.id = s.item_id where i.sku = '{}' for update of s",
        flood.skus[0]
    );
    // The row is made by the first event.
    let (first, rest) = flood.records.split_at(SKUS);
    flood.stack.produce_all(INVENTORY_EVENTS, first).await.unwrap();
    flood.applied_at_least(SKUS).await;
    holder.batch_execute(&hold).await.unwrap();
    flood.stack.produce_all(INVENTORY_EVENTS, rest).await.unwrap();
    // The login waits five seconds for a lock; then the call fails and is made again.
    eventually("the consumer says what it waits for", || async {
        Ok(readiness().await?.1["parts"]["worker"]
            .to_string()
            .contains("another session"))
    })
    .await
    .unwrap();
    holder.batch_execute("rollback").await.unwrap();
    flood.is_applied_once().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_postgres_is_waited_for() {
    let _turn = ONE_AT_A_TIME.lock().await;
    let flood = Flood::new(SKUS * 2).await;
    // As after a promotion that has not happened yet: sessions that are open keep what they have, new ones cannot write.
    let alter = |value: &str| format!("alter role onhand_app set default_transaction_read_only = {value}");
    superuser(&alter("on")).await;
    superuser("select pg_terminate_backend(a.pid) from pg_stat_activity as a where a.usename = 'onhand_app' and a.application_name = 'onhand'")
        .await;
    flood.stack.produce_all(INVENTORY_EVENTS, &flood.records).await.unwrap();
    let said = eventually("the consumer says that it cannot write", || async {
        let (status, body) = readiness().await?;
        Ok(status == 503 && body["parts"]["sink"].to_string().contains("read-only"))
    })
    .await;
    superuser(&alter("off")).await;
    superuser("select pg_terminate_backend(a.pid) from pg_stat_activity as a where a.usename = 'onhand_app' and a.application_name = 'onhand'")
        .await;
    superuser("alter role onhand_app reset default_transaction_read_only").await;
    said.unwrap();
    flood.is_applied_once().await;
}

async fn superuser(statement: &str) {
    connect_as_superuser().await.batch_execute(statement).await.unwrap();
}

async fn connect_as_superuser() -> Client {
    let of = |name: &str| std::env::var(name).expect("run these tests with ./onhand test");
    let target = format!(
        "host={} port={} user={} password={} dbname={}",
        of("PGHOST"),
        of("PGPORT"),
        of("PGUSER"),
        of("PGPASSWORD"),
        of("PGDATABASE")
    );
    let (client, connection) = connect(&target, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}
