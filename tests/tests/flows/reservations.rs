//! Reservations over HTTP.

use futures_util::future::join_all;
use onhand_tests::stack::{Stack, eventually};
use reqwest::Method;
use serde_json::json;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn f02_thirty_two_clients_reserve_exactly_what_is_there() {
    let stack = Stack::from_env().unwrap();
    let id = stack.stocked_item("FLOW-RACE", &["FLOW-W1"], 1_000).await.unwrap();
    let clients = join_all((0..32).map(|_| {
        let stack = stack.clone();
        async move {
            let (mut reserved, mut refused) = (0_u32, 0_u32);
            // 32 clients x 40 = 1,280 requests for 1,000 units.
            for _ in 0..40 {
                let body = json!({"sku": "FLOW-RACE", "location": "FLOW-W1", "quantity": 1});
                let (status, _, answer) = stack
                    .call(Method::POST, "/v1/reservations", &[], Some(&body))
                    .await
                    .unwrap();
                match (status, answer["code"].as_str()) {
                    (201, _) => reserved += 1,
                    (409, Some("insufficient_stock")) => refused += 1,
                    other => panic!("{other:?} {answer}"),
                }
            }
            (reserved, refused)
        }
    }))
    .await;
    assert_eq!(clients.iter().map(|(reserved, _)| reserved).sum::<u32>(), 1_000);
    assert_eq!(clients.iter().map(|(_, refused)| refused).sum::<u32>(), 280);
    eventually("the read models say that nothing is left", || async {
        let cached = stack.cached(&id).await?;
        let document = stack.document("onhand-stock", &format!("{id}:FLOW-W1")).await?;
        Ok(cached.get("available").is_some_and(|value| value == "0")
            && cached.get("total").is_some_and(|value| value == "1000")
            && document.is_some_and(|(_, source)| source["available"] == 0 && source["reserved"] == 1_000))
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reservation_is_confirmed_once_and_a_cancelled_one_gives_back() {
    let stack = Stack::from_env().unwrap();
    stack
        .stocked_item("FLOW-R1", &["FLOW-W1", "FLOW-W2"], 10)
        .await
        .unwrap();
    let lines = json!({"owner": "cart-1", "lines": [
        {"sku": "FLOW-R1", "location": "FLOW-W1", "quantity": 3}, {"sku": "FLOW-R1", "location": "FLOW-W2", "quantity": 4}]});
    let made = stack.post("/v1/reservations", &lines).await.unwrap();
    let id = made["reservation_id"].as_str().unwrap();
    let confirmed = stack
        .post(&format!("/v1/reservations/{id}/confirm"), &json!({}))
        .await
        .unwrap();
    assert_eq!(confirmed["status"], "COMMITTED");
    let (status, _, again) = stack
        .call(Method::POST, &format!("/v1/reservations/{id}/confirm"), &[], None)
        .await
        .unwrap();
    assert_eq!((status, again["code"].as_str()), (409, Some("reservation_not_pending")));

    let made = stack.post("/v1/reservations", &lines).await.unwrap();
    let id = made["reservation_id"].as_str().unwrap();
    stack
        .post(&format!("/v1/reservations/{id}/cancel"), &json!({}))
        .await
        .unwrap();
    assert_eq!(
        stack.get(&format!("/v1/reservations/{id}")).await.unwrap()["status"],
        "RELEASED"
    );
    eventually("the read models have both outcomes", || async {
        let read = stack.get("/v1/inventory/product/FLOW-R1").await?;
        Ok(read["available"] == 13)
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn f08_a_hold_is_for_sale_again_at_its_deadline() {
    let stack = Stack::from_env().unwrap();
    let id = stack.stocked_item("FLOW-HOLD", &["FLOW-W1"], 5).await.unwrap();
    let body = json!({"sku": "FLOW-HOLD", "location": "FLOW-W1", "quantity": 5, "expires_in_seconds": 2});
    let made = stack.post("/v1/reservations", &body).await.unwrap();
    let version = made["levels"][0]["version"].as_i64().unwrap();
    let (status, _, _) = stack
        .call(Method::POST, "/v1/reservations", &[], Some(&body))
        .await
        .unwrap();
    assert_eq!(status, 409);
    eventually("Redis has the hold", || async {
        Ok(stack.cached_version(&id, "FLOW-W1").await? >= version)
    })
    .await
    .unwrap();
    let deadline: jiff::Timestamp = made["expires_at"].as_str().unwrap().parse().unwrap();
    while jiff::Timestamp::now() <= deadline {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // At the deadline, not when a sweeper comes by: reads and reservations both count the stock as free.
    assert_eq!(
        stack.get("/v1/inventory/product/FLOW-HOLD").await.unwrap()["available"],
        5
    );
    let (status, _, answer) = stack
        .call(Method::POST, "/v1/reservations", &[], Some(&body))
        .await
        .unwrap();
    assert_eq!(status, 201, "{answer}");
    let id = made["reservation_id"].as_str().unwrap();
    let (status, _, late) = stack
        .call(Method::POST, &format!("/v1/reservations/{id}/confirm"), &[], None)
        .await
        .unwrap();
    assert_eq!((status, late["code"].as_str()), (409, Some("reservation_expired")));
    eventually("the hold reads as expired", || async {
        Ok(stack.get(&format!("/v1/reservations/{id}")).await?["status"] == "EXPIRED")
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn f01_one_item_on_two_lines_is_checked_as_a_sum() {
    let stack = Stack::from_env().unwrap();
    stack.stocked_item("FLOW-SUM", &["FLOW-W1"], 5).await.unwrap();
    let body = json!({"lines": [{"sku": "FLOW-SUM", "location": "FLOW-W1", "quantity": 3},
        {"sku": "FLOW-SUM", "location": "FLOW-W1", "quantity": 3}]});
    let (status, _, answer) = stack
        .call(Method::POST, "/v1/reservations", &[], Some(&body))
        .await
        .unwrap();
    assert_eq!(
        (status, answer["code"].as_str()),
        (409, Some("insufficient_stock")),
        "{answer}"
    );
}
