//! Records that cannot be read.

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
