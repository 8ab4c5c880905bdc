//! Schemas that change while everything runs.

use anyhow::{Context, Result};
use onhand_db::tokio_postgres::{self, Client, NoTls};
use onhand_tests::stack::{Stack, eventually};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const ITEM: &str = "onhand.inventory.item-value";

/// A superuser of the stack's own database.
async fn superuser(stack: &Stack) -> Result<Client> {
    let url = std::env::var("ONHAND_TEST_DATABASE_URL").context("run these tests with ./onhand test")?;
    let database = stack.database.rsplit('/').next().unwrap();
    let url = format!("{}/{database}", url.rsplit_once('/').unwrap().0);
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

async fn registry(method: reqwest::Method, path: &str, body: Option<&Value>) -> Result<(u16, Value)> {
    let base = std::env::var("ONHAND_REGISTRY__URL").context("run these tests with ./onhand test")?;
    let mut request = reqwest::Client::new().request(method, format!("{base}{path}"));
    if let Some(body) = body {
        request = request.json(body);
    }
    let answer = request.send().await?;
    Ok((answer.status().as_u16(), answer.json().await.unwrap_or(Value::Null)))
}

async fn versions(subject: &str) -> Result<usize> {
    let (status, found) = registry(reqwest::Method::GET, &format!("/subjects/{subject}/versions"), None).await?;
    Ok(if status == 200 {
        found.as_array().map_or(0, Vec::len)
    } else {
        0
    })
}

/// The schemas of tables are the connector's, so their rule is set once they are there.
async fn is_guarded(subject: &str) -> Result<bool> {
    let (status, found) = registry(reqwest::Method::GET, &format!("/config/{subject}"), None).await?;
    Ok(status == 200 && found["compatibilityLevel"] == "BACKWARD_TRANSITIVE")
}

async fn has_name(stack: &Stack, id: &str, name: &str) -> Result<bool> {
    Ok(stack
        .document("onhand-items", id)
        .await?
        .is_some_and(|(_, document)| document["name"] == name))
}

#[tokio::test(flavor = "multi_thread")]
async fn f25_a_column_comes_and_goes_while_the_stream_runs() {
    let stack = Stack::from_env().unwrap();
    let id = stack.stocked_item("FLOW-COLUMN", &["FLOW-W1"], 5).await.unwrap();
    let other = stack.stocked_item("FLOW-COLUMN-2", &["FLOW-W1"], 5).await.unwrap();
    let admin = superuser(&stack).await.unwrap();
    let column = format!("colour_{}", uuid::Uuid::now_v7().simple());
    // Writers go on all the while, so that old and new records are mixed in one topic.
    let stop = Arc::new(AtomicBool::new(false));
    let writer = tokio::spawn({
        let (stack, stop) = (stack.clone(), Arc::clone(&stop));
        async move {
            let mut n = 0;
            while !stop.load(Ordering::Relaxed) {
                n += 1;
                stack
                    .put("/v1/items/FLOW-COLUMN-2", &json!({"name": format!("Name {n}")}))
                    .await?;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            anyhow::Ok(n)
        }
    });
    eventually("the schemas of the table are under their rule", || is_guarded(ITEM))
        .await
        .unwrap();
    let before = versions(ITEM).await.unwrap();
    // What an expanding migration may do: a column that may be null, and one with a default.
    admin
        .batch_execute(&format!(
            "alter table inventory.item add column {column} text, add column {column}_n integer not null default 7"
        ))
        .await
        .unwrap();
    admin
        .execute(
            &format!("update inventory.item set {column} = 'blue', name = 'With a colour', version = version + 1 where sku = 'FLOW-COLUMN'"),
            &[],
        )
        .await
        .unwrap();
    eventually("a consumer that does not know the column takes the row", || {
        has_name(&stack, &id, "With a colour")
    })
    .await
    .unwrap();
    eventually("the registry has the new schema", || async {
        Ok(versions(ITEM).await? > before)
    })
    .await
    .unwrap();
    admin
        .batch_execute(&format!(
            "alter table inventory.item drop column {column}, drop column {column}_n"
        ))
        .await
        .unwrap();
    stack
        .put("/v1/items/FLOW-COLUMN", &json!({"name": "Without it again"}))
        .await
        .unwrap();
    eventually("a row without the column is taken", || {
        has_name(&stack, &id, "Without it again")
    })
    .await
    .unwrap();
    stop.store(true, Ordering::Relaxed);
    let last = writer.await.unwrap().unwrap();
    eventually("everything that was written meanwhile is there", || {
        let name = format!("Name {last}");
        let (stack, other) = (&stack, &other);
        async move { has_name(stack, other, &name).await }
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_that_breaks_readers_is_refused_by_the_registry() {
    for (subject, broken) in [
        // A type changes.
        (
            "inventory-events-value",
            json!({"type": "record", "name": "InventoryEvent", "namespace": "com.inventory.events",
                "fields": [{"name": "eventId", "type": "long"}]}),
        ),
        // A field comes without a default, so that old records cannot be read.
        (
            "com.inventory.stock.StockItem",
            json!({"type": "record", "name": "StockItem", "namespace": "com.inventory.stock",
                "fields": [{"name": "id", "type": "string"}, {"name": "must", "type": "string"}]}),
        ),
    ] {
        let before = versions(subject).await.unwrap();
        assert!(before > 0, "{subject} is registered");
        let body = json!({"schema": broken.to_string()});
        let path = format!("/subjects/{subject}/versions");
        let (status, answer) = registry(reqwest::Method::POST, &path, Some(&body)).await.unwrap();
        assert_eq!(status, 409, "{subject}: {answer}");
        let path = format!("/compatibility/subjects/{subject}/versions/latest");
        let (_, verdict) = registry(reqwest::Method::POST, &path, Some(&body)).await.unwrap();
        assert_eq!(verdict["is_compatible"], false, "{subject}: {verdict}");
        assert_eq!(versions(subject).await.unwrap(), before, "{subject}");
    }
}

/// The columns of a table in the schema of its records.
fn columns(envelope: &mut Value) -> &mut Vec<Value> {
    let fields = envelope["fields"].as_array_mut().unwrap();
    let before = fields.iter_mut().find(|field| field["name"] == "before").unwrap();
    before["type"][1]["fields"].as_array_mut().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_readers_of_its_older_records_could_not_follow_is_refused_by_the_registry() {
    let stack = Stack::from_env().unwrap();
    stack.stocked_item("FLOW-GUARD", &["FLOW-W1"], 1).await.unwrap();
    eventually("the schemas of the table are under their rule", || is_guarded(ITEM))
        .await
        .unwrap();
    let path = format!("/subjects/{ITEM}/versions");
    let (_, latest) = registry(reqwest::Method::GET, &format!("{path}/latest"), None)
        .await
        .unwrap();
    let latest: Value = serde_json::from_str(latest["schema"].as_str().unwrap()).unwrap();
    let verdict = |schema: Value| async move {
        let body = json!({"schema": schema.to_string()});
        let path = format!("/compatibility/subjects/{ITEM}/versions/latest");
        let (_, verdict) = registry(reqwest::Method::POST, &path, Some(&body)).await.unwrap();
        (body, verdict["is_compatible"].clone())
    };

    let mut wider = latest.clone();
    columns(&mut wider).push(json!({"name": "new", "type": ["null", "string"], "default": null}));
    assert_eq!(verdict(wider).await.1, true, "a column that may be null is taken");

    let mut required = latest.clone();
    columns(&mut required).push(json!({"name": "must", "type": "string"}));
    let mut retyped = latest.clone();
    let name = columns(&mut retyped).iter_mut().find(|column| column["name"] == "name");
    name.unwrap()["type"] = json!("long");
    for (what, broken) in [
        ("a column without a default", required),
        ("a column of another type", retyped),
    ] {
        let (body, compatible) = verdict(broken).await;
        assert_eq!(compatible, false, "{what}");
        let (status, answer) = registry(reqwest::Method::POST, &path, Some(&body)).await.unwrap();
        assert_eq!(status, 409, "{what}: {answer}");
    }
}
