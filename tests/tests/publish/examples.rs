//! The programs that docs/analytics.md shows, run as they stand, beside what Postgres has.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use onhand_db::tokio_postgres::{NoTls, connect};
use onhand_tests::stack::{SETTLE, Stack};
use serde_json::{Value, json};

#[path = "../../examples/stock_state.rs"]
#[allow(dead_code, reason = "its main is for the command line")]
mod stock_state;

/// What the document says to install.
const PACKAGES: [&str; 3] = ["kafka-python==3.0.12", "fastavro==1.13.1", "zstandard"];

/// An environment of its own: tests run side by side, and two must not make one.
fn python(stack: &Stack) -> Result<PathBuf> {
    let home = Path::new(&stack.state).join("python-examples");
    let python = home.join("bin/python");
    output(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&home))?;
    output(
        Command::new(&python)
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .args(PACKAGES),
    )?;
    Ok(python)
}

fn output(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("{command:?}"))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?}: {errors}");
    Ok(String::from_utf8(output.stdout)?)
}

/// The lines of an example that are about something.
fn lines(python: &Path, example: &str, stack: &Stack, name: &str, value: &str) -> Result<Vec<Value>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/examples");
    let mut command = Command::new(python);
    // No folder of compiled files beside the sources.
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    command
        .arg(folder.join(example))
        .arg(&stack.brokers)
        .arg(super::registry());
    let mut found = Vec::new();
    for line in output(&mut command)?.lines() {
        let line: Value = serde_json::from_str(line).with_context(|| line.to_owned())?;
        if line[name] == value {
            found.push(line);
        }
    }
    Ok(found)
}

/// The fields of an object, in this order.
fn fields(line: &Value, names: &[&str]) -> Value {
    names.iter().map(|name| line[*name].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_for_readers_of_topics_say_what_postgres_says() {
    let stack = Stack::from_env().unwrap();
    let (client, connection) = connect(&stack.database, NoTls).await.unwrap();
    tokio::spawn(connection);
    let sku = format!("PUB-DOC-{}", uuid::Uuid::now_v7().simple());
    let item = stack.stocked_item(&sku, &["PUB-DOC-W1"], 10).await.unwrap();
    for (path, quantity) in [("/v1/stock/remove", 3), ("/v1/stock/add", 4), ("/v1/reservations", 2)] {
        let body = json!({"sku": sku, "location": "PUB-DOC-W1", "quantity": quantity});
        stack.post(path, &body).await.unwrap();
    }
    let ledger = "select jsonb_agg(jsonb_build_array(m.version, m.type, m.on_hand_delta, m.on_hand, m.available) order by m.version), \
                      max(m.version) from inventory.stock_movement as m where m.item_id = $1::text::uuid";
    let row = client.query_one(ledger, &[&item]).await.unwrap();
    let (movements, newest): (Value, i64) = (row.get(0), row.get(1));
    assert_eq!(movements.as_array().unwrap().len(), 4);

    let key = format!("{item}:PUB-DOC-W1");
    let deadline = Instant::now() + SETTLE;
    let state = loop {
        let mut table = stock_state::states(&stack.brokers, &super::registry()).await.unwrap();
        let state = table.remove(&key).unwrap_or_default();
        if state["version"] == newest {
            break state;
        }
        assert!(Instant::now() < deadline, "{state}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    assert_eq!(
        fields(&state, &["sku", "on_hand", "reserved", "available"]),
        json!([sku, 11, 2, 9])
    );

    tokio::task::spawn_blocking(move || {
        let python = python(&stack).unwrap();
        let names = ["version", "change_type", "change", "on_hand", "available"];
        loop {
            let events = lines(&python, "stock_events.py", &stack, "sku", &sku).unwrap();
            let events: Value = events.iter().map(|event| fields(event, &names)).collect();
            if events == movements {
                break;
            }
            assert!(Instant::now() < deadline, "{events} and {movements}");
        }
        let levels = lines(&python, "stock_levels.py", &stack, "item_id", &item).unwrap();
        let names = ["location_id", "on_hand", "reserved", "available", "version"];
        let levels: Value = levels.iter().map(|level| fields(level, &names)).collect();
        assert_eq!(levels, json!([["PUB-DOC-W1", 11, 2, 9, newest]]));
    })
    .await
    .unwrap();
}
