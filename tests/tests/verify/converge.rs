//! Topics and rows that come and go, and an engine that refuses a part: the read models converge.

use crate::world::{
    Elastic, LOCATIONS, ONE_AT_A_TIME, apply, assert_equal, make_items, run, session, superuser, verify,
};
use onhand_tests::kafka::RawRecord;
use onhand_tests::stack::{Stack, eventually};
use rand::seq::SliceRandom;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use serde_json::{Value, json};

const TOPIC: &str = "onhand.inventory.stock_level";
const ITEMS: &str = "onhand.inventory.item";

fn admin(stack: &Stack) -> AdminClient<DefaultClientContext> {
    ClientConfig::new()
        .set("bootstrap.servers", &stack.brokers)
        .create()
        .unwrap()
}

/// Waits until both read models have this version of an item at the first location.
async fn arrived(stack: &Stack, item: &str, version: i64) {
    let id = format!("{item}:{}", LOCATIONS[0]);
    eventually("both read models have the version", || async {
        let indexed = stack.document("onhand-stock", &id).await?;
        Ok(stack.cached_version(item, LOCATIONS[0]).await? == version
            && indexed.is_some_and(|(found, _)| found == version))
    })
    .await
    .unwrap();
}

async fn version_of(client: &tokio_postgres::Client, sku: &str) -> i64 {
    let row = client
        .query_one(
            "select version from api.get_stock_level($1, $2)",
            &[&sku, &LOCATIONS[0]],
        )
        .await
        .unwrap();
    row.get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn f13_a_topic_that_is_deleted_and_made_again_is_followed_again() {
    let _turn = ONE_AT_A_TIME.lock().await;
    let stack = Stack::from_env().unwrap();
    let client = session(&stack).await;
    let (sku, item) = make_items(&client, "TOPIC", 1).await.pop_first().unwrap();
    let add = || json!({"op": "add", "sku": sku, "location": LOCATIONS[0], "quantity": 1});
    for _ in 0..50 {
        apply(&client, vec![add()]).await.unwrap();
    }
    arrived(&stack, &item, version_of(&client, &sku).await).await;

    // Offsets begin at 0 again: a version taken from them would refuse everything that comes now.
    let (admin, options) = (admin(&stack), AdminOptions::new());
    for result in admin.delete_topics(&[TOPIC], &options).await.unwrap() {
        result.unwrap();
    }
    let topic = NewTopic::new(TOPIC, 4, TopicReplication::Fixed(1)).set("cleanup.policy", "compact");
    eventually("the topic is made again", || async {
        let made = admin.create_topics([&topic], &options).await?;
        // The connector may have been quicker.
        Ok(made.iter().all(
            |result| !matches!(result, Err((_, code)) if *code != rdkafka::types::RDKafkaErrorCode::TopicAlreadyExists),
        ))
    })
    .await
    .unwrap();
    apply(&client, vec![add()]).await.unwrap();
    // What was on its way when the topic went is lost to the pipeline; the next change of the row brings everything.
    eventually("changes arrive again", || async {
        apply(&client, vec![add()]).await?;
        let version = version_of(&client, &sku).await;
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        Ok(stack.cached_version(&item, LOCATIONS[0]).await? >= version)
    })
    .await
    .unwrap();
    arrived(&stack, &item, version_of(&client, &sku).await).await;
    let (code, report) = verify(&["--repair"]).await;
    assert_eq!(code, 0, "{report:#}");
    assert_equal().await;
}

/// All records of an item in a topic.
fn records_of(stack: &Stack, topic: &str, item: &str) -> Vec<RawRecord> {
    let marker = item.as_bytes();
    let records = stack.records(topic).unwrap().into_iter();
    records
        .filter(|record| {
            let key = record.key.as_deref().unwrap_or_default();
            key.windows(marker.len()).any(|part| part == marker)
        })
        .collect()
}

/// Rows that no function of the product would delete: only hands do.
struct ByHand {
    admin: tokio_postgres::Client,
    sku: String,
    item: String,
}

impl ByHand {
    async fn insert(&self, quantity: i64, version: i64) {
        let item = "insert into inventory.item (id, sku, name, version) values ($1::text::uuid, $2, $2, $3)";
        self.admin
            .execute(item, &[&self.item, &self.sku, &version])
            .await
            .unwrap();
        for insert in [
            "insert into inventory.stock_level (item_id, location_id, on_hand, available, status, version)
                values ($1::text::uuid, $2, $3, $3, 'in_stock', $4)",
            "insert into inventory.stock_movement (item_id, location_id, type, on_hand_delta, on_hand, reserved, in_transit,
                    backordered, damaged, incoming, available, source, version, occurred_at, recorded_at)
                values ($1::text::uuid, $2, 'receipt', $3, $3, 0, 0, 0, 0, 0, $3, 'tests', $4, now(), now())",
        ] {
            self.admin
                .execute(insert, &[&self.item, &LOCATIONS[0], &quantity, &version])
                .await
                .unwrap();
        }
    }

    /// Past the triggers that forbid it.
    async fn delete(&self) {
        let past_triggers = |on: &str| format!("set session_replication_role = {on}");
        self.admin.batch_execute(&past_triggers("replica")).await.unwrap();
        for delete in [
            "delete from inventory.stock_movement where item_id = $1::text::uuid",
            "delete from inventory.stock_level where item_id = $1::text::uuid",
            "delete from inventory.item where id = $1::text::uuid",
        ] {
            self.admin.execute(delete, &[&self.item]).await.unwrap();
        }
        self.admin.batch_execute(&past_triggers("origin")).await.unwrap();
    }

    /// Waits until both read models have this version.
    async fn arrived(&self, stack: &Stack, version: i64) {
        arrived(stack, &self.item, version).await;
        eventually("the item's document has the version", || async {
            let indexed = stack.document("onhand-items", &self.item).await?;
            Ok(indexed.is_some_and(|(found, source)| found == version && source["deleted"] != json!(true)))
        })
        .await
        .unwrap();
    }

    /// Whether nothing but its memory is left.
    async fn is_gone(&self, stack: &Stack) -> anyhow::Result<bool> {
        let cached = stack.cached(&self.item).await?;
        let is_tombstone =
            |found: Option<(i64, Value)>| found.is_some_and(|(_, source)| source["deleted"] == json!(true));
        let level = stack
            .document("onhand-stock", &format!("{}:{}", self.item, LOCATIONS[0]))
            .await?;
        Ok(!cached.contains_key(&format!("warehouse:{}", LOCATIONS[0]))
            && cached.get("total").is_some_and(|total| total == "0")
            && is_tombstone(level)
            && is_tombstone(stack.document("onhand-items", &self.item).await?))
    }

    /// Everything that was ever said about it, in any order, twice.
    async fn replay(&self, stack: &Stack) {
        for topic in [TOPIC, ITEMS] {
            let records = records_of(stack, topic, &self.item);
            assert!(!records.is_empty(), "{topic}");
            let mut all: Vec<RawRecord> = records.iter().chain(&records).cloned().collect();
            all.shuffle(&mut rand::rng());
            stack.produce_all(topic, &all).await.unwrap();
        }
        for group in ["onhand.cache", "onhand.search"] {
            eventually("the replay is consumed", || async {
                let brokers = stack.brokers.clone();
                let behind = tokio::task::spawn_blocking(move || behind(&brokers, group)).await??;
                Ok(behind == 0)
            })
            .await
            .unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f14_rows_that_are_deleted_made_again_and_replayed_shuffled_twice_are_as_postgres_has_them() {
    let _turn = ONE_AT_A_TIME.lock().await;
    let stack = Stack::from_env().unwrap();
    let client = session(&stack).await;
    make_items(&client, "OTHER", 1).await;
    let rows = ByHand {
        admin: superuser().await,
        sku: format!("REPLAY-{}", uuid::Uuid::now_v7().simple()),
        item: uuid::Uuid::now_v7().to_string(),
    };
    rows.insert(11, 3).await;
    rows.arrived(&stack, 3).await;
    rows.delete().await;
    // The deletion of a balance comes without its version, so that no consumer may act on it: the verification does.
    let (code, report) = verify(&["--repair"]).await;
    assert_eq!(code, 0, "{report:#}");
    assert!(rows.is_gone(&stack).await.unwrap(), "{report:#}");
    rows.replay(&stack).await;
    assert!(rows.is_gone(&stack).await.unwrap(), "an old record brought a row back");

    rows.insert(22, 9).await;
    rows.arrived(&stack, 9).await;
    rows.replay(&stack).await;
    rows.arrived(&stack, 9).await;
    assert_eq!(stack.cached(&rows.item).await.unwrap()["total"], "22");

    rows.delete().await;
    let (code, report) = verify(&["--repair"]).await;
    assert_eq!(code, 0, "{report:#}");
    assert!(rows.is_gone(&stack).await.unwrap(), "{report:#}");
    assert_equal().await;
}

/// How many records of both topics a group has still to settle.
fn behind(brokers: &str, group: &str) -> anyhow::Result<i64> {
    use rdkafka::consumer::{BaseConsumer, Consumer};
    let wait = std::time::Duration::from_secs(10);
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", group)
        .create()?;
    let topics: &[&str] = if group == "onhand.cache" {
        &[TOPIC]
    } else {
        &[TOPIC, ITEMS]
    };
    let mut asked = rdkafka::TopicPartitionList::new();
    for topic in topics {
        (0..4).for_each(|partition| {
            asked.add_partition(topic, partition);
        });
    }
    let mut behind = 0;
    for element in consumer.committed_offsets(asked, wait)?.elements() {
        let (low, high) = consumer.fetch_watermarks(element.topic(), element.partition(), wait)?;
        if high > low {
            behind += high - element.offset().to_raw().unwrap_or(0).clamp(0, high);
        }
    }
    Ok(behind)
}

#[tokio::test(flavor = "multi_thread")]
async fn f27_what_one_index_does_not_take_now_is_tried_again_and_the_others_go_on() {
    let _turn = ONE_AT_A_TIME.lock().await;
    let stack = Stack::from_env().unwrap();
    let elastic = Elastic::new(&stack);
    let client = session(&stack).await;
    let (sku, item) = make_items(&client, "PARTIAL", 1).await.pop_first().unwrap();
    arrived(&stack, &item, version_of(&client, &sku).await).await;
    let block = |on: bool| {
        let elastic = elastic.clone();
        async move {
            let body = json!({"index": {"blocks": {"write": on}}});
            elastic
                .call(reqwest::Method::PUT, "/onhand-stock/_settings", body)
                .await
                .unwrap();
        }
    };
    block(true).await;
    let before = stack
        .document("onhand-stock", &format!("{item}:{}", LOCATIONS[0]))
        .await
        .unwrap()
        .unwrap()
        .0;
    for _ in 0..20 {
        apply(
            &client,
            vec![json!({"op": "add", "sku": sku, "location": LOCATIONS[0], "quantity": 1})],
        )
        .await
        .unwrap();
    }
    let version = version_of(&client, &sku).await;
    eventually("the cache has it", || async {
        Ok(stack.cached_version(&item, LOCATIONS[0]).await? == version)
    })
    .await
    .unwrap();
    let held = stack
        .document("onhand-stock", &format!("{item}:{}", LOCATIONS[0]))
        .await
        .unwrap()
        .unwrap()
        .0;
    assert_eq!(held, before, "the index is closed to writes");
    block(false).await;
    arrived(&stack, &item, version).await;
    assert_equal().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f27_what_an_index_never_takes_goes_to_the_dead_letters_and_the_rest_of_the_bulk_is_written() {
    let _turn = ONE_AT_A_TIME.lock().await;
    let stack = Stack::from_env().unwrap();
    let elastic = Elastic::new(&stack);
    let client = session(&stack).await;
    let (sku, item) = make_items(&client, "REFUSED", 1).await.pop_first().unwrap();
    arrived(&stack, &item, version_of(&client, &sku).await).await;
    // An index whose mapping takes no item, in the place of the right one.
    let found = elastic
        .call(reqwest::Method::GET, "/_alias/onhand-items", Value::Null)
        .await
        .unwrap();
    let right = found.as_object().unwrap().keys().next().unwrap().clone();
    let hostile = "hostile-items";
    let mapping = json!({"mappings": {"_meta": {"warm": true}, "properties": {"status": {"type": "integer"}}}});
    elastic
        .call(reqwest::Method::PUT, &format!("/{hostile}"), mapping)
        .await
        .unwrap();
    let swap = |from: String, to: String| {
        let elastic = elastic.clone();
        async move {
            let actions = json!({"actions": [
                {"remove": {"index": from, "alias": "onhand-items"}},
                {"add": {"index": to, "alias": "onhand-items", "is_write_index": true}}]});
            elastic.post("/_aliases", actions).await.unwrap();
        }
    };
    swap(right.clone(), hostile.to_owned()).await;
    let upsert = json!([{"sku": sku, "name": "Refused"}]);
    client
        .query("select from api.upsert_items($1)", &[&upsert])
        .await
        .unwrap();
    apply(
        &client,
        vec![json!({"op": "add", "sku": sku, "location": LOCATIONS[0], "quantity": 1})],
    )
    .await
    .unwrap();
    arrived(&stack, &item, version_of(&client, &sku).await).await;
    let letters = "onhand.inventory.item.onhand.search.dlq";
    let reached = eventually("the dead letters have it", || async {
        Ok(!records_of(&stack, letters, &item).is_empty())
    })
    .await;
    swap(hostile.to_owned(), right).await;
    elastic
        .call(reqwest::Method::DELETE, &format!("/{hostile}"), Value::Null)
        .await
        .unwrap();
    reached.unwrap();
    // The index lacks that change for good; this is what the verification is for.
    let (code, report) = verify(&["--repair"]).await;
    assert_eq!(code, 0, "{report:#}");
    assert_eq!(
        stack.document("onhand-items", &item).await.unwrap().unwrap().1["name"],
        "Refused"
    );
    let (code, text) = run(&["status"]).await;
    assert_eq!(code, 0, "{text}");
}
