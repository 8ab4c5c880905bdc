//! A migration that changes a captured table in a way that readers of its older records could not follow.

use onhand_tests::stack::{Stack, program};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use super::capture::{admin, recovered, run, verify};
use crate::ONE_AT_A_TIME;

const TOPIC: &str = "onhand.inventory.category";
const SUBJECT: &str = "onhand.inventory.category-value";

/// Status and answer of the registry.
async fn registry(method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<(u16, Value)> {
    let base = std::env::var("ONHAND_REGISTRY__URL")?;
    let mut request = reqwest::Client::new().request(method, format!("{base}{path}"));
    if let Some(body) = body {
        request = request.json(body);
    }
    let answer = request.send().await?;
    Ok((answer.status().as_u16(), answer.json().await.unwrap_or(Value::Null)))
}

async fn set_rule(rule: &str) {
    let body = json!({"compatibility": rule});
    let (status, answer) = registry(Method::PUT, &format!("/config/{SUBJECT}"), Some(&body))
        .await
        .unwrap();
    assert_eq!(status, 200, "{answer}");
}

/// How many changes of a category stand in the topic.
fn changes(stack: &Stack, code: &str) -> anyhow::Result<usize> {
    let names = |value: &[u8]| value.windows(code.len()).any(|part| part == code.as_bytes());
    let records = stack.records(TOPIC)?;
    Ok(records
        .iter()
        .filter(|record| record.value.as_deref().is_some_and(names))
        .count())
}

#[tokio::test(flavor = "multi_thread")]
async fn f25_a_change_that_readers_could_not_follow_stops_the_capture_until_it_is_let_in() {
    let _turn = ONE_AT_A_TIME.lock().await;
    let stack = Stack::from_env().unwrap();
    let client = admin().await;
    let code = uuid::Uuid::now_v7().simple().to_string();
    let column = format!("c_{code}");
    let alter = |change: String| {
        let update = format!("update inventory.category set version = version + 1 where code = '{code}'");
        format!("alter table inventory.category {change}; {update}")
    };
    client
        .batch_execute(&format!(
            "insert into inventory.category (code, name) values ('{code}', 'one')"
        ))
        .await
        .unwrap();
    client
        .batch_execute(&alter(format!("add column {column} integer")))
        .await
        .unwrap();
    recovered("the table with the column is in its topic", || async {
        Ok(changes(&stack, &code)? == 2)
    })
    .await;
    recovered("its schema is under the rule", || async {
        let (_, found) = registry(Method::GET, &format!("/config/{SUBJECT}"), None).await?;
        Ok(found["compatibilityLevel"] == "BACKWARD_TRANSITIVE")
    })
    .await;

    client
        .batch_execute(&alter(format!("drop column {column}, add column {column} text")))
        .await
        .unwrap();
    recovered("the connector says that it stands, and why", || async {
        let (code, said) = spawn_blocking(|| program(&["connect", "status"])).await?;
        Ok(code != 0 && said.contains("failed") && said.to_lowercase().contains("incompatible"))
    })
    .await;
    // Writes go on, and nothing of the refused table is anywhere.
    let item = stack.stocked_item("FAIL-SCHEMA", &["FAIL-W1"], 1).await.unwrap();
    assert_eq!(changes(&stack, &code).unwrap(), 2);

    set_rule("NONE").await;
    run(&["connect", "restart"]).await;
    recovered("the row has come", || async { Ok(changes(&stack, &code)? == 3) }).await;
    client
        .batch_execute(&alter(format!("drop column {column}")))
        .await
        .unwrap();
    recovered("and the next", || async { Ok(changes(&stack, &code)? == 4) }).await;
    set_rule("BACKWARD_TRANSITIVE").await;
    recovered("what was written meanwhile is in Redis", || async {
        Ok(stack.cached_version(&item, "FAIL-W1").await? > 0)
    })
    .await;
    client
        .batch_execute(&format!("delete from inventory.category where code = '{code}'"))
        .await
        .unwrap();
    verify().await;
}
