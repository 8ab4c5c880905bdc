//! Whole commands on the running stack, one after the other: the import of real orders, the demo, and a comparison that
//! finds what was planted.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, missing_docs)]

use onhand_tests::stack::{Stack, eventually, program};
use serde_json::{Value, json};

static ONE_AT_A_TIME: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Real order lines, which are not part of the repository.
fn orders() -> Option<String> {
    let path = std::env::var("ONHAND_TEST_ORDERS").unwrap_or_else(|_| {
        concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../shared/data/online_retail_2010-12_2011-03.csv.gz"
        )
        .to_owned()
    });
    std::path::Path::new(&path).is_file().then_some(path)
}

fn verified() {
    let (code, text) = program(&["verify", "--wait", "300"]);
    assert_eq!(code, 0, "{text}");
    println!("{text}");
}

#[tokio::test]
async fn real_orders_are_imported_and_everything_is_equal_afterwards() {
    let _turn = ONE_AT_A_TIME.lock().await;
    let Some(path) = orders() else {
        println!("skipped: there is no file of real orders; ONHAND_TEST_ORDERS names one");
        return;
    };
    let report = std::env::temp_dir().join(format!("onhand-{}.csv", uuid::Uuid::now_v7().simple()));
    let arguments = [
        "import",
        &path,
        "--location",
        "ORDERS-DC",
        "--report",
        report.to_str().unwrap(),
    ];
    let (code, text) = program(&arguments);
    assert_eq!(code, 0, "{text}");
    println!("{text}");
    let rejected = std::fs::read_to_string(&report).unwrap();
    std::fs::remove_file(&report).unwrap();
    assert!(rejected.lines().count() > 1, "some lines of that file are no goods");
    verified();
    // Again: the same answer, and nothing is written.
    let (code, text) = program(&arguments);
    let _ = std::fs::remove_file(&report);
    assert_eq!(code, 0, "{text}");
    verified();
}

#[tokio::test]
async fn the_demo_runs_and_finds_everything_equal() {
    let _turn = ONE_AT_A_TIME.lock().await;
    let arguments = [
        "demo",
        "--items",
        "300",
        "--locations",
        "5",
        "--seconds",
        "5",
        "--rate",
        "50",
        "--samples",
        "40",
    ];
    let (code, text) = program(&arguments);
    assert_eq!(code, 0, "{text}");
    for word in ["Kafka", "Redis", "Elasticsearch", "p50", "p99", "equal"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    println!("{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comparison_finds_what_was_planted() {
    let _turn = ONE_AT_A_TIME.lock().await;
    let stack = Stack::from_env().unwrap();
    let id = stack.stocked_item("COMPARE-1", &["COMPARE-W1"], 9).await.unwrap();
    let document = format!("{id}:COMPARE-W1");
    // Tests before this one may have left a backlog of some minutes.
    verified();
    eventually("the read models have the item", || async {
        Ok(stack.cached_version(&id, "COMPARE-W1").await? > 0
            && stack.document("onhand-stock", &document).await?.is_some())
    })
    .await
    .unwrap();
    // This test is to find it, and not the part that repairs all the time.
    let (code, text) = program(&["down", "verify"]);
    assert_eq!(code, 0, "{text}");
    verified();

    let key = format!("catalog:stock:{{{id}}}");
    let mut redis = stack.redis().await.unwrap();
    let row = stack.cached(&id).await.unwrap()["row:COMPARE-W1"].clone();
    let planted = row.replacen(" 9 ", " 8 ", 1);
    assert_ne!(row, planted);
    let set = |row: String| redis::cmd("HSET").arg(&key).arg("row:COMPARE-W1").arg(row).to_owned();
    let () = set(planted).query_async(&mut redis).await.unwrap();
    let (version, source) = stack.document("onhand-stock", &document).await.unwrap().unwrap();
    let http = reqwest::Client::new();
    let url = format!("{}/onhand-stock/_doc/{document}", stack.elasticsearch);
    let mut wrong = source.clone();
    wrong["on_hand"] = json!(8);
    let put = |body: Value| {
        http.put(format!(
            "{url}?version={version}&version_type=external_gte&refresh=true"
        ))
        .json(&body)
        .send()
    };
    assert!(put(wrong).await.unwrap().status().is_success());

    let (code, text) = program(&["verify", "--wait", "1"]);
    assert_ne!(code, 0, "{text}");
    assert!(text.contains("redis: 1 differences"), "{text}");
    assert!(text.contains("elasticsearch: 1 differences"), "{text}");
    assert!(text.contains(&id), "{text}");

    let () = set(row).query_async(&mut redis).await.unwrap();
    assert!(put(source).await.unwrap().status().is_success());
    verified();
    let (code, text) = program(&["up", "verify"]);
    assert_eq!(code, 0, "{text}");
}
