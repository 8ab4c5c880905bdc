//! Requests that are sent again.

use futures_util::future::join_all;
use onhand_tests::stack::Stack;
use reqwest::Method;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn f28_a_repeated_request_has_one_effect_and_one_answer() {
    let stack = Stack::from_env().unwrap();
    stack.stocked_item("FLOW-IDEM", &["FLOW-W1"], 100).await.unwrap();
    let key = uuid::Uuid::now_v7().to_string();
    let headers = [("Idempotency-Key", key.as_str())];
    let body = json!({"sku": "FLOW-IDEM", "location": "FLOW-W1", "quantity": 7});
    // All at once, as clients do that time out and try again.
    let answers = join_all((0..8).map(|_| stack.call(Method::POST, "/v1/reservations", &headers, Some(&body)))).await;
    let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    assert!(answers.iter().all(|(status, _, _)| *status == 201), "{answers:?}");
    assert!(
        answers
            .iter()
            .all(|(_, _, answer)| answer["reservation_id"] == answers[0].2["reservation_id"])
    );
    let fresh = answers
        .iter()
        .filter(|(_, headers, _)| !headers.contains_key("idempotency-replayed"))
        .count();
    assert_eq!(fresh, 1, "one request was carried out, the others are replays");

    let other = json!({"sku": "FLOW-IDEM", "location": "FLOW-W1", "quantity": 8});
    let (status, _, answer) = stack
        .call(Method::POST, "/v1/reservations", &headers, Some(&other))
        .await
        .unwrap();
    assert_eq!((status, answer["code"].as_str()), (422, Some("idempotency_key_reused")));
}
