//! What can happen to change capture: a slot that nobody moves, one that is lost, a transaction cut in the middle, a database
//! that comes back from a backup. Afterwards every read model equals Postgres, and nothing stale is left.

use anyhow::{Context, Result, ensure};
use onhand_db::tokio_postgres::{Client, NoTls, SimpleQueryMessage, connect};
use onhand_tests::stack::{Stack, program};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::process::Command;
use std::time::{Duration, Instant};
use tokio::task::spawn_blocking;

use crate::{Load, ONE_AT_A_TIME, kill, onhand, wait_for_writes};

const SLOT: &str = "onhand_debezium";
/// A snapshot and the consumers behind it, on a machine that has other work.
const PATIENCE: Duration = Duration::from_secs(240);

/// The superuser of the stack.
fn admin_url() -> String {
    let part = |name: &str| std::env::var(name).unwrap();
    format!(
        "postgres://{}:{}@{}:{}/{}",
        part("PGUSER"),
        part("PGPASSWORD"),
        part("PGHOST"),
        part("PGPORT"),
        part("PGDATABASE")
    )
}

pub(super) async fn admin() -> Client {
    let (client, connection) = connect(&admin_url(), NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// First column of the first row.
async fn one(client: &Client, query: &str) -> Result<Option<String>> {
    let messages = client.simple_query(query).await.context(query.to_owned())?;
    Ok(messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    }))
}

/// Waits until `check` says yes, for as long as a recovery may take.
pub(super) async fn recovered<F: Future<Output = Result<bool>>>(what: &str, mut check: impl FnMut() -> F) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let outcome = check().await;
        if matches!(outcome, Ok(true)) {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "not within {PATIENCE:?}: {what}: {outcome:?}"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

pub(super) async fn run(arguments: &'static [&'static str]) -> String {
    spawn_blocking(move || onhand(arguments)).await.unwrap().unwrap()
}

pub(super) async fn verify() {
    println!("{}", run(&["verify", "--wait", "120"]).await);
}

/// An item with a level that nobody has in the ledger, so that both can be deleted again, as no function does.
async fn ghost(client: &Client) -> String {
    let sku = format!("GHOST-{}", uuid::Uuid::now_v7().simple());
    client
        .batch_execute(&format!(
            "insert into inventory.item (sku, name) values ('{sku}', 'ghost'); \
             insert into inventory.stock_level (item_id, location_id, version) \
                 select i.id, 'FAIL-W1', 3 from inventory.item as i where i.sku = '{sku}'"
        ))
        .await
        .unwrap();
    one(client, &format!("select id from inventory.item where sku = '{sku}'"))
        .await
        .unwrap()
        .unwrap()
}

/// Whether Redis and both indexes have the item.
async fn is_everywhere(stack: &Stack, id: &str) -> Result<bool> {
    let live = |found: Option<(i64, Value)>| found.is_some_and(|(_, document)| document["deleted"] != json!(true));
    Ok(stack.cached_version(id, "FAIL-W1").await? > 0
        && live(stack.document("onhand-items", id).await?)
        && live(stack.document("onhand-stock", &format!("{id}:FAIL-W1")).await?))
}

/// Whether none of them has it.
async fn is_nowhere(stack: &Stack, id: &str) -> Result<bool> {
    let gone = |found: Option<(i64, Value)>| found.is_none_or(|(_, document)| document["deleted"] == json!(true));
    Ok(stack.cached(id).await?.is_empty()
        && gone(stack.document("onhand-items", id).await?)
        && gone(stack.document("onhand-stock", &format!("{id}:FAIL-W1")).await?))
}

/// No function deletes these, and triggers refuse it: only somebody who goes past them does.
async fn delete(client: &Client, id: &str) {
    client
        .batch_execute(&format!(
            "set session_replication_role = replica; delete from inventory.stock_level where item_id = '{id}'; \
             delete from inventory.item where id = '{id}'; reset session_replication_role"
        ))
        .await
        .unwrap();
}

/// A stack under load with a ghost in its read models.
async fn loaded() -> (Stack, Load, Client, String) {
    let stack = Stack::from_env().unwrap();
    let sku = format!("FAIL-SLOT-{}", uuid::Uuid::now_v7().simple());
    stack.stocked_item(&sku, &["FAIL-W1"], 1).await.unwrap();
    let client = admin().await;
    let id = ghost(&client).await;
    recovered("the ghost is in every read model", || is_everywhere(&stack, &id)).await;
    let load = Load::start(&stack, &sku);
    wait_for_writes(&load, 100).await;
    (stack, load, client, id)
}

async fn slot_is_whole(client: &Client) -> Result<bool> {
    let query = format!(
        "select (s.active and s.failover and s.wal_status <> 'lost')::text from pg_replication_slots as s where s.slot_name = '{SLOT}'"
    );
    Ok(one(client, &query).await?.as_deref() == Some("true"))
}

/// The load goes on, the slot is there again, nothing of the gap is missing and nothing that was deleted in it is left.
async fn expect_recovery(stack: &Stack, load: Load, client: &Client, id: &str) {
    wait_for_writes(&load, 200).await;
    recovered("the slot is made anew and read", || slot_is_whole(client)).await;
    recovered("what was deleted in the gap is gone", || is_nowhere(stack, id)).await;
    let acknowledged = load.end().await;
    assert!(acknowledged.len() >= 300);
    verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f19_the_slot_is_dropped_under_load() {
    let _turn = ONE_AT_A_TIME.lock().await;
    let (stack, load, client, id) = loaded().await;
    let deadline = Instant::now() + PATIENCE;
    // The connector comes back for its slot again and again: one must be quick.
    loop {
        let _ = client
            .batch_execute(&format!(
                "select pg_terminate_backend(s.active_pid) from pg_replication_slots as s where s.slot_name = '{SLOT}' and s.active"
            ))
            .await;
        if client
            .batch_execute(&format!("select pg_drop_replication_slot('{SLOT}')"))
            .await
            .is_ok()
        {
            break;
        }
        assert!(Instant::now() < deadline, "the slot cannot be dropped");
    }
    delete(&client, &id).await;
    expect_recovery(&stack, load, &client, &id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f19_postgres_gives_the_slot_up_because_it_lags_too_far() {
    let _turn = ONE_AT_A_TIME.lock().await;
    let (stack, load, client, id) = loaded().await;
    // Stopped, not paused: a paused connector goes on reading into its queue.
    let url = std::env::var("ONHAND_CONNECT__URL").unwrap();
    let stop = format!("{url}/connectors/onhand-postgres/stop");
    let answer = reqwest::Client::new().put(stop).send().await.unwrap();
    assert!(answer.status().is_success(), "{answer:?}");
    let active = format!("select active::text from pg_replication_slots where slot_name = '{SLOT}'");
    recovered("nobody reads the slot", || async {
        Ok(one(&client, &active).await?.as_deref() == Some("false"))
    })
    .await;
    // Surely in the gap: the slot will never hand this out.
    delete(&client, &id).await;
    client
        .batch_execute("alter system set max_slot_wal_keep_size = '1MB'")
        .await
        .unwrap();
    client.batch_execute("select pg_reload_conf()").await.unwrap();
    let lost = format!("select (wal_status = 'lost')::text from pg_replication_slots where slot_name = '{SLOT}'");
    recovered("the slot is given up", || async {
        client.batch_execute("select pg_switch_wal()").await?;
        client.batch_execute("checkpoint").await?;
        Ok(one(&client, &lost).await?.as_deref() == Some("true"))
    })
    .await;
    client
        .batch_execute("alter system reset max_slot_wal_keep_size")
        .await
        .unwrap();
    client.batch_execute("select pg_reload_conf()").await.unwrap();
    // A part that does not answer it at once is another finding.
    recovered("the doctor finds it", || async {
        let (code, text) = spawn_blocking(|| program(&["doctor"])).await?;
        ensure!(code != 0 && text.contains("was given up"), "{text}");
        // Somebody has stopped the connector: a restart leaves it so.
        ensure!(text.contains("-> onhand connect resume\n"), "{text}");
        Ok(true)
    })
    .await;
    run(&["connect", "resume"]).await;
    expect_recovery(&stack, load, &client, &id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_names_the_session_that_it_waits_for() {
    let _turn = ONE_AT_A_TIME.lock().await;
    let client = admin().await;
    let pid = one(&client, "select pg_backend_pid()").await.unwrap().unwrap();
    client
        .batch_execute("begin; lock table inventory.retired_partition in access exclusive mode")
        .await
        .unwrap();
    let (code, text) = spawn_blocking(|| program(&["doctor"])).await.unwrap();
    client.batch_execute("rollback").await.unwrap();
    assert_ne!(code, 0, "{text}");
    let said = format!("wait for inventory.retired_partition, this check among them: session {pid} ");
    assert!(text.contains(&said), "{text}");
    assert!(text.contains(&format!("pg_terminate_backend({pid})")), "{text}");
    // What it looked at before it had to wait is told too, and nothing is to be started.
    assert!(text.contains("wal_level"), "{text}");
    assert!(!text.contains("no answer within"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn f18_the_slot_moves_while_only_tables_are_written_that_nobody_captures() {
    let _turn = ONE_AT_A_TIME.lock().await;
    let client = admin().await;
    client
        .batch_execute("create table if not exists public.noise (text text); truncate public.noise")
        .await
        .unwrap();
    let end = "select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint";
    let number = async |query: &str| -> u64 { one(&client, query).await.unwrap().unwrap().parse().unwrap() };
    let begun = number(end).await;
    // More than ten beats of the connector.
    for _ in 0..10 {
        client
            .batch_execute(
                "insert into public.noise select repeat(md5(n::text), 60) from generate_series(1, 3000) as n",
            )
            .await
            .unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let written = number(end).await - begun;
    assert!(written > 20_000_000, "{written} bytes of log");
    let lag = format!(
        "select pg_wal_lsn_diff(pg_current_wal_lsn(), s.{{}})::bigint from pg_replication_slots as s where s.slot_name = '{SLOT}'"
    );
    recovered("the slot has moved past the noise", || async {
        let lag: u64 = one(&client, &lag.replace("{}", "confirmed_flush_lsn"))
            .await?
            .context("no slot")?
            .parse()?;
        Ok(lag < 1_000_000)
    })
    .await;
    // What is confirmed frees the log only when the slot's own start moves too.
    recovered("and so has what it holds back", || async {
        let held: u64 = one(&client, &lag.replace("{}", "restart_lsn"))
            .await?
            .context("no slot")?
            .parse()?;
        Ok(held < written)
    })
    .await;
    client.batch_execute("drop table public.noise").await.unwrap();
}

/// Codes of the categories of a run that stand in the topic.
fn categories(stack: &Stack, run: &str) -> Result<HashSet<String>> {
    let needle = format!("{run}-");
    let mut codes = HashSet::new();
    for record in stack.records("onhand.inventory.category")? {
        let text = String::from_utf8_lossy(record.value.as_deref().unwrap_or_default()).into_owned();
        for (at, _) in text.match_indices(&needle) {
            let number: String = text[at + needle.len()..].chars().take(6).collect();
            codes.insert(number);
        }
    }
    Ok(codes)
}

#[tokio::test(flavor = "multi_thread")]
async fn f20_connect_dies_in_the_middle_of_a_transaction_and_loses_nothing() {
    const ROWS: usize = 10_000;
    let _turn = ONE_AT_A_TIME.lock().await;
    let stack = Stack::from_env().unwrap();
    let client = admin().await;
    let run_id = uuid::Uuid::now_v7().simple().to_string()[12..].to_owned();
    // COPY packs many rows into one record of the log, so that they share its position, unless a default has to be computed for each.
    let copy = client
        .copy_in::<_, bytes::Bytes>("copy inventory.category (id, code, name, created_at, updated_at) from stdin")
        .await
        .unwrap();
    let rows: String = (0..ROWS)
        .map(|n| {
            let id = uuid::Uuid::now_v7();
            format!("{id}\t{run_id}-{n:06}\tcategory number {n}\tnow\tnow\n")
        })
        .collect();
    let mut copy = Box::pin(copy);
    futures_util::SinkExt::send(&mut copy, bytes::Bytes::from(rows))
        .await
        .unwrap();
    copy.as_mut().finish().await.unwrap();

    let deadline = Instant::now() + PATIENCE;
    let arrived = loop {
        let arrived = categories(&stack, &run_id).unwrap().len();
        if arrived > 0 {
            break arrived;
        }
        assert!(Instant::now() < deadline, "nothing arrives");
    };
    kill(&stack, "connect");
    println!("{arrived} of {ROWS} rows had arrived when the worker was killed");
    run(&["up"]).await;
    recovered("every row of the transaction is in the topic", || async {
        Ok(categories(&stack, &run_id)?.len() == ROWS)
    })
    .await;
    client
        .batch_execute(&format!("delete from inventory.category where code like '{run_id}-%'"))
        .await
        .unwrap();
    verify().await;
}

/// Stops Postgres, does something with its folder, and starts what is missing.
async fn with_postgres_stopped(stack: &Stack, then: impl FnOnce(&str)) {
    run(&["down", "postgres"]).await;
    then(&format!("{}/data/postgres", stack.state));
}

fn command(program: &str, arguments: &[&str]) {
    let status = Command::new(program).args(arguments).status().unwrap();
    assert!(status.success(), "{program} {arguments:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_comes_back_from_a_backup_takes_every_read_model_with_it() {
    let _turn = ONE_AT_A_TIME.lock().await;
    let stack = Stack::from_env().unwrap();
    let run_id = uuid::Uuid::now_v7().simple().to_string();
    let (kept, lost) = (format!("FAIL-KEPT-{run_id}"), format!("FAIL-LOST-{run_id}"));
    let kept_id = stack.stocked_item(&kept, &["FAIL-W1"], 40).await.unwrap();
    let backup = format!("{}/backup", stack.state);
    let _ = std::fs::remove_dir_all(&backup);
    with_postgres_stopped(&stack, |data| command("cp", &["-a", data, &backup])).await;
    run(&["up"]).await;

    // The time that will be lost: higher versions of a row that stays, and an item that will never have been.
    let mut version = 0;
    for n in 1..=5 {
        let body = json!({"sku": kept, "location": "FAIL-W1", "quantity": n});
        let answer = stack.post("/v1/stock/remove", &body).await.unwrap();
        version = answer["levels"][0]["version"].as_i64().unwrap();
    }
    stack
        .put(&format!("/v1/items/{kept}"), &json!({"name": "a name that is lost"}))
        .await
        .unwrap();
    let lost_id = stack.stocked_item(&lost, &["FAIL-W1"], 9).await.unwrap();
    recovered("the read models have all of it", || async {
        Ok(stack.cached_version(&kept_id, "FAIL-W1").await? == version && is_everywhere(&stack, &lost_id).await?)
    })
    .await;

    with_postgres_stopped(&stack, |data| {
        command("rm", &["-rf", data]);
        command("mv", &[&backup, data]);
    })
    .await;
    run(&["up"]).await;
    let client = admin().await;
    let found = one(&client, &format!("select version from api.get_stock_level('{kept}')"))
        .await
        .unwrap()
        .unwrap();
    assert!(found.parse::<i64>().unwrap() < version, "the database is the old one");
    // The read models may still be newer, or the part that repairs all the time has been there already.

    let text = spawn_blocking(|| {
        let program = std::env::var("ONHAND_BIN").unwrap();
        let output = Command::new(program)
            .args(["recover", "--reason", "restored from a backup in a test"])
            .env("ONHAND_DATABASE__URL", admin_url())
            .output()
            .unwrap();
        let text = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        ensure!(output.status.success(), "{text}");
        Ok(text)
    })
    .await
    .unwrap()
    .unwrap();
    println!("{text}");
    assert!(text.contains("recovered"), "{text}");

    let cached = stack.cached(&kept_id).await.unwrap();
    assert_eq!((cached["total"].as_str(), cached["available"].as_str()), ("40", "40"));
    let (_, item) = stack.document("onhand-items", &kept_id).await.unwrap().unwrap();
    assert_eq!(item["name"], json!(format!("Item {kept}")));
    assert!(is_nowhere(&stack, &lost_id).await.unwrap());
    let body = json!({"sku": kept, "location": "FAIL-W1", "quantity": 1});
    let answer = stack.post("/v1/stock/add", &body).await.unwrap();
    let after = answer["levels"][0]["version"].as_i64().unwrap();
    assert!(after > version && after > 1 << 40, "{after}");
    recovered("the stream goes on", || async {
        Ok(stack.cached_version(&kept_id, "FAIL-W1").await? == after)
    })
    .await;
    // A sku of the time that was lost may be used again, by another item.
    let again = stack.stocked_item(&lost, &["FAIL-W1"], 2).await.unwrap();
    assert_ne!(again, lost_id);
    recovered("the new item is in every read model", || is_everywhere(&stack, &again)).await;
    verify().await;
}
