//! Records that cannot be read.

use onhand_tests::group::Group;
use onhand_tests::kafka::RawRecord;
use onhand_tests::stack::{Stack, eventually};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn f21_f22_a_record_that_cannot_be_read_goes_aside_as_it_was_and_the_rest_goes_on() {
    let stack = Stack::from_env().unwrap();
    let id = stack.stocked_item("FLOW-POISON", &["FLOW-W1"], 50).await.unwrap();
    let topic = "onhand.inventory.stock_level";
    let unique = uuid::Uuid::now_v7().as_bytes().to_vec();
    let garbage: Vec<RawRecord> = [
        vec![],
        unique.clone(),
        [vec![0, 0, 0, 0, 1], unique.clone()].concat(),
        [vec![0, 0x7f, 0xff, 0xff, 0xff], unique.clone()].concat(),
        [vec![1], unique.clone()].concat(),
    ]
    .into_iter()
    .enumerate()
    .map(|(n, value)| RawRecord {
        key: Some([unique.clone(), vec![u8::try_from(n).unwrap()]].concat()),
        value: Some(value),
        headers: vec![
            ("who".into(), b"a test".to_vec()),
            ("odd bytes".into(), vec![0xff, 0x00, 0xfe]),
        ],
    })
    .collect();
    stack.produce_all(topic, &garbage).await.unwrap();
    let answer = stack
        .post(
            "/v1/stock/remove",
            &json!({"sku": "FLOW-POISON", "location": "FLOW-W1", "quantity": 1}),
        )
        .await
        .unwrap();
    let version = answer["levels"][0]["version"].as_i64().unwrap();
    eventually("the write behind the garbage arrives", || async {
        Ok(stack.cached_version(&id, "FLOW-W1").await? == version
            && stack
                .document("onhand-stock", &format!("{id}:FLOW-W1"))
                .await?
                .is_some_and(|(found, _)| found == version))
    })
    .await
    .unwrap();
    for group in ["onhand.cache", "onhand.search"] {
        let dlq = format!("{topic}.{group}.dlq");
        eventually("the dead letters have it all, byte for byte", || async {
            let letters = stack.records(&dlq)?;
            Ok(garbage.iter().all(|sent| {
                letters.iter().any(|letter| {
                    letter.key == sent.key
                        && letter.value == sent.value
                        && sent.headers.iter().all(|header| letter.headers.contains(header))
                        && letter
                            .headers
                            .iter()
                            .any(|(name, value)| name == "error" && !value.is_empty())
                        && letter
                            .headers
                            .contains(&("original_topic".to_owned(), topic.as_bytes().to_vec()))
                        && letter.headers.iter().any(|(name, _)| name == "failed_at")
                        && letter.headers.iter().any(|(name, _)| name == "__connect.errors.offset")
                })
            }))
        })
        .await
        .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f21_no_key_no_row_nothing_at_all_and_the_largest_record_hold_nothing_up() {
    const LEVELS: &str = "onhand.inventory.stock_level";
    const MOVEMENTS: &str = "onhand.inventory.stock_movement";
    /// What Kafka takes in a topic that says nothing of its own, without what a batch and its record need around the value.
    const LARGEST: usize = 1_048_588 - 180;
    let stack = Stack::from_env().unwrap();
    let id = stack.stocked_item("FLOW-ODD", &["FLOW-W1"], 50).await.unwrap();
    let unique = uuid::Uuid::now_v7().as_bytes().to_vec();
    let raw = |key: Option<&[u8]>, value: Option<Vec<u8>>| RawRecord {
        key: key.map(<[u8]>::to_vec),
        value,
        headers: vec![("who".into(), unique.clone())],
    };
    let ours = |topic: &str, group: &str| -> anyhow::Result<Vec<RawRecord>> {
        let letters = stack.records(&format!("{topic}.{group}.dlq"))?;
        let ours = |letter: &RawRecord| letter.headers.contains(&("who".to_owned(), unique.clone()));
        Ok(letters.into_iter().filter(ours).collect())
    };

    // A compacted topic takes no record without a key, nor one that is larger than the largest.
    assert!(stack.produce(LEVELS, &raw(None, Some(unique.clone()))).await.is_err());
    let too_large = raw(Some(&unique), Some(vec![1; LARGEST + 1_000]));
    assert!(stack.produce(LEVELS, &too_large).await.is_err());
    let largest = raw(Some(&unique), Some(vec![1; LARGEST]));
    let no_such_row = raw(Some(&unique), None);
    stack
        .produce_all(LEVELS, &[largest.clone(), no_such_row])
        .await
        .unwrap();
    // The ledger's is not compacted.
    let keyless = raw(None, Some(unique.clone()));
    let nothing = raw(None, None);
    stack
        .produce_all(MOVEMENTS, &[keyless.clone(), nothing.clone()])
        .await
        .unwrap();

    let body = json!({"sku": "FLOW-ODD", "location": "FLOW-W1", "quantity": 1});
    let answer = stack.post("/v1/stock/remove", &body).await.unwrap();
    let version = answer["levels"][0]["version"].as_i64().unwrap();
    eventually("the write behind them arrives", || async {
        Ok(stack.cached_version(&id, "FLOW-W1").await? == version
            && stack
                .document("onhand-stock", &format!("{id}:FLOW-W1"))
                .await?
                .is_some_and(|(found, _)| found == version))
    })
    .await
    .unwrap();
    for (name, topic) in [
        ("onhand.cache", LEVELS),
        ("onhand.alerts", LEVELS),
        ("onhand.search", LEVELS),
        ("onhand.search", MOVEMENTS),
        ("onhand.publish", MOVEMENTS),
    ] {
        let group = Group {
            brokers: stack.brokers.clone(),
            name: name.to_owned(),
            topics: vec![topic.to_owned()],
        };
        group.caught_up().await.unwrap();
        let letters = ours(topic, name).unwrap();
        // A tombstone of a row that nobody knows is no letter: there is nothing to delete.
        let wanted: &[&RawRecord] = if topic == LEVELS {
            &[&largest]
        } else {
            &[&keyless, &nothing]
        };
        assert_eq!(letters.len(), wanted.len(), "{name}");
        for sent in wanted {
            let same = |letter: &&RawRecord| letter.key == sent.key && letter.value == sent.value;
            assert_eq!(letters.iter().filter(same).count(), 1, "{name}");
        }
    }
}
