//! Bad requests: each gets a clear problem and changes nothing.

use onhand_tests::stack::Stack;
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn each_bad_request_gets_a_problem_that_says_what_is_wrong() {
    let stack = Stack::from_env().unwrap();
    stack.stocked_item("FLOW-BAD", &["FLOW-W1"], 5).await.unwrap();
    let line =
        |sku: Value, location: Value, quantity: Value| json!({"sku": sku, "location": location, "quantity": quantity});
    let good = (json!("FLOW-BAD"), json!("FLOW-W1"));
    let cases: Vec<(&str, Value, u16)> = vec![
        ("unknown sku", line(json!("NO-SUCH"), good.1.clone(), json!(1)), 404),
        (
            "unknown location",
            line(good.0.clone(), json!("NO-SUCH"), json!(1)),
            404,
        ),
        ("negative", line(good.0.clone(), good.1.clone(), json!(-1)), 400),
        ("zero", line(good.0.clone(), good.1.clone(), json!(0)), 400),
        ("fraction", line(good.0.clone(), good.1.clone(), json!(1.5)), 400),
        (
            "text for a number",
            line(good.0.clone(), good.1.clone(), json!("1")),
            400,
        ),
        ("null", line(good.0.clone(), good.1.clone(), Value::Null), 400),
        (
            "absurd",
            line(good.0.clone(), good.1.clone(), json!(9_000_000_000_000_000_i64)),
            422,
        ),
        ("beyond 64 bits", line(good.0.clone(), good.1.clone(), json!(1e30)), 422),
        (
            "more than there is",
            line(good.0.clone(), good.1.clone(), json!(6)),
            409,
        ),
        ("missing key", json!({"sku": "FLOW-BAD", "quantity": 1}), 400),
        (
            "unknown field",
            json!({"sku": "FLOW-BAD", "location": "FLOW-W1", "quantity": 1, "qty": 1}),
            400,
        ),
        ("no object", json!([1]), 400),
        ("lines that are none", json!({"lines": []}), 400),
    ];
    for (name, body, expected) in cases {
        let (status, headers, problem) = stack
            .call(Method::POST, "/v1/stock/remove", &[], Some(&body))
            .await
            .unwrap();
        assert!(
            status == expected || (expected == 422 && status == 400),
            "{name}: {status} {problem}"
        );
        assert_eq!(headers["content-type"], "application/problem+json", "{name}");
        assert!(
            problem["code"].is_string() && problem["title"].is_string(),
            "{name}: {problem}"
        );
        assert!(
            problem["detail"].as_str().is_some_and(|detail| detail.len() > 5),
            "{name}: {problem}"
        );
    }
    assert_eq!(
        stack.get("/v1/inventory/product/FLOW-BAD").await.unwrap()["available"],
        5
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_paths_and_methods_that_are_none_are_refused_politely() {
    let stack = Stack::from_env().unwrap();
    let (status, problem) = stack
        .post_raw("/v1/stock/add", "application/json", b"{\"sku\": ".to_vec())
        .await
        .unwrap();
    assert_eq!(status, 400, "{problem}");
    assert!(problem["detail"].is_string(), "{problem}");
    let (status, problem) = stack
        .post_raw("/v1/stock/add", "text/plain", b"x".to_vec())
        .await
        .unwrap();
    assert_eq!(status, 415, "{problem}");
    let (status, problem) = stack
        .post_raw("/v1/stock/add", "application/json", vec![b' '; 40 << 20])
        .await
        .unwrap();
    assert_eq!(status, 413, "{problem}");
    let (status, _, problem) = stack.call(Method::GET, "/v1/no-such", &[], None).await.unwrap();
    assert_eq!((status, problem["code"].is_string()), (404, true));
    let (status, _, problem) = stack.call(Method::DELETE, "/v1/stock/add", &[], None).await.unwrap();
    assert_eq!((status, problem["code"].is_string()), (405, true));
    let path = "/v1/reservations/not-a-uuid/confirm";
    let (status, _, problem) = stack.call(Method::POST, path, &[], None).await.unwrap();
    assert_eq!(
        (status, problem["code"].as_str()),
        (400, Some("invalid_argument")),
        "{problem}"
    );
    let path = "/v1/reservations/00000000-0000-7000-8000-000000000000/confirm";
    let (status, _, problem) = stack.call(Method::POST, path, &[], None).await.unwrap();
    assert_eq!(
        (status, problem["code"].as_str()),
        (404, Some("unknown_reservation")),
        "{problem}"
    );
}
