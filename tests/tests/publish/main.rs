//! The public contracts, read back by clients that know only topics and registry. A program of its own: it kills a part of the
//! stack, which the tests beside it would notice.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, missing_docs)]

mod examples;
mod inbound;
mod ledger;
mod operations;
mod python;
mod read;
mod versions;

use std::collections::{BTreeMap, BTreeSet};

use onhand_cdc::{Environment, topics};
use onhand_db::tokio_postgres::{Client, NoTls, connect};
use onhand_tests::process;
use onhand_tests::stack::{SETTLE, Stack, program};
use serde_json::{Value, json};

use inbound::Inbound;
use ledger::Movement;
use operations::Draw;
use read::{Order, Read, Reader, by_key, distinct};

const SEED: u64 = 20_261_121;

fn registry() -> String {
    std::env::var("ONHAND_REGISTRY__URL").unwrap()
}

/// The topics that the publisher writes.
fn published() -> Vec<String> {
    let environment = topics::environment_events(Environment::Dev);
    topics::published()
        .into_iter()
        .chain([environment])
        .map(|spec| spec.name)
        .collect()
}

/// What a run has left in the ledger and in the topics.
struct World {
    stack: Stack,
    client: Client,
    reader: Reader,
    items: BTreeSet<String>,
    movements: Vec<Movement>,
}

impl World {
    /// The records of a topic about the items of this run.
    async fn topic(&mut self, topic: &str) -> Vec<Read> {
        self.reader.topic(&self.stack, topic, &self.items).await.unwrap()
    }

    /// Waits until a topic has `count` records of this run, or distinct events.
    async fn wait_for(&mut self, topic: &str, count: usize, each_once: bool) {
        let deadline = std::time::Instant::now() + SETTLE;
        loop {
            let reads = self.topic(topic).await;
            let found = if each_once { distinct(&reads).len() } else { reads.len() };
            if found >= count {
                return;
            }
            assert!(
                std::time::Instant::now() < deadline,
                "{topic}: {found} of {count} records"
            );
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
    }

    async fn all(&mut self) -> Vec<Read> {
        let mut reads = Vec::new();
        for topic in published() {
            reads.extend(self.topic(&topic).await);
        }
        reads
    }
}

/// Random operations while the publisher is killed and started again.
async fn run() -> World {
    let stack = Stack::from_env().unwrap();
    let (client, connection) = connect(&stack.database, NoTls).await.unwrap();
    tokio::spawn(connection);
    let mut draw = Draw::start(&client, SEED).await.unwrap();
    draw.work(&client, 5).await.unwrap();
    process::kill_part(&stack.state, "publish").unwrap();
    let restart = tokio::task::spawn_blocking(|| program(&["up", "publish"]));
    draw.work(&client, 5).await.unwrap();
    let (code, said) = restart.await.unwrap();
    assert_eq!(code, 0, "{said}");
    draw.work(&client, 5).await.unwrap();
    let movements = ledger::movements(&client, &draw.skus).await.unwrap();
    World {
        reader: Reader::new(&registry()).unwrap(),
        items: movements.iter().map(|movement| movement.item.clone()).collect(),
        stack,
        client,
        movements,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f29_every_public_contract_reads_back_as_the_ledger_after_the_publisher_was_killed() {
    let mut world = run().await;
    assert!(world.movements.len() > 150, "only {} movements", world.movements.len());
    let moved: Vec<Movement> = world
        .movements
        .iter()
        .filter(|movement| movement.moves_units)
        .cloned()
        .collect();
    let edges: Vec<Movement> = ledger::low_stock_edges(&world.movements).into_iter().cloned().collect();
    assert!(edges.len() > 3, "the seed draws only {} low stock edges", edges.len());
    let environment = topics::environment_events(Environment::Dev).name;
    world.wait_for(topics::STOCK_EVENTS, world.movements.len(), true).await;
    world.wait_for(topics::WAREHOUSE_UPDATED, moved.len(), true).await;
    world.wait_for(&environment, moved.len() + edges.len(), true).await;
    world.wait_for(topics::WAREHOUSE_LOW_STOCK, edges.len(), true).await;
    let summaries = wait_for_summaries(&mut world).await;

    let reads = world.all().await;
    let topic = |name: &str| -> Vec<&Read> { reads.iter().filter(|read| read.topic == name).collect() };
    let captured = world.reader.captured(&world.stack, &world.items).await.unwrap();
    stock_events(&topic(topics::STOCK_EVENTS), &world.movements, &captured);
    catalogue_events(&topic(&environment), &moved, &edges, &captured);
    cloud_events(&reads, &moved, &edges, &captured);
    states(&topic(topics::STATE), &world.movements);
    aggregates(&topic(topics::AGGREGATES), &summaries);

    let python = python_reads(&world).await;
    let (theirs, ours) = (by_key(&python), by_key(&reads));
    assert_eq!(theirs.keys().collect::<Vec<_>>(), ours.keys().collect::<Vec<_>>());
    for (place, records) in &ours {
        assert_eq!(&theirs[place], records, "{place:?}");
    }
    again(&mut world, &edges).await;
}

/// The summaries of the items, once each is published as Postgres has it.
async fn wait_for_summaries(world: &mut World) -> BTreeMap<String, Value> {
    let items: Vec<String> = world.items.iter().cloned().collect();
    let deadline = std::time::Instant::now() + SETTLE;
    loop {
        // The duty does it too; here the test need not wait for its turn.
        world
            .client
            .execute("select from api.fold_stock_summary()", &[])
            .await
            .unwrap();
        let rows = world
            .client
            .query(
                "select s.item_id::text, to_jsonb(s) from inventory.stock_summary as s \
                 where s.item_id::text = any($1) and s.on_hand = (select sum(greatest(l.on_hand, 0)) \
                     from inventory.stock_level as l where l.item_id = s.item_id) \
                   and s.available = (select sum(greatest(l.available, 0)) \
                     from inventory.stock_level as l where l.item_id = s.item_id)",
                &[&items],
            )
            .await
            .unwrap();
        let summaries: BTreeMap<String, Value> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        let reads = world.topic(topics::AGGREGATES).await;
        let newest: BTreeMap<String, Value> = reads
            .iter()
            .map(|read| (read.subject().0, read.value["version"].clone()))
            .collect();
        let published = |(item, row): (&String, &Value)| newest.get(item) == Some(&row["version"]);
        if summaries.len() == items.len() && summaries.iter().all(published) {
            return summaries;
        }
        assert!(std::time::Instant::now() < deadline, "{newest:?} of {summaries:?}");
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
}

/// Location and version of distinct events by item, in the order of the topic.
fn order(events: &[&Read], version: impl Fn(&Value) -> i64) -> Order {
    let mut order = Order::new();
    for event in events {
        let (item, location) = event.subject();
        order.entry(item).or_default().push((location, version(&event.value)));
    }
    order
}

/// The captured order, of these movements alone.
fn only(captured: &Order, movements: &[Movement]) -> Order {
    let places: BTreeSet<_> = movements.iter().map(Movement::place).collect();
    let mut order = Order::new();
    for (item, known) in captured {
        let kept = known
            .iter()
            .filter(|(location, version)| places.contains(&(item.clone(), location.clone(), *version)));
        order.insert(item.clone(), kept.cloned().collect());
    }
    order.retain(|_, known| !known.is_empty());
    order
}

fn by_place(movements: &[Movement]) -> BTreeMap<(String, String, i64), &Movement> {
    movements.iter().map(|movement| (movement.place(), movement)).collect()
}

fn stock_events(reads: &[&Read], movements: &[Movement], captured: &Order) {
    let events = distinct(reads.iter().copied());
    let version = |value: &Value| value["metadata"]["version"].as_str().unwrap().parse::<i64>().unwrap();
    assert_eq!(
        order(&events, version),
        only(captured, movements),
        "each item in the order of the ledger"
    );
    let ledger = by_place(movements);
    for event in events {
        let (item, location) = event.subject();
        assert_eq!(event.key, item);
        let movement = ledger[&(item, location, version(&event.value))];
        let (level, change) = (&event.value["stock_level"], &event.value["change"]);
        assert_eq!(event.value["event_id"], event.id());
        assert_eq!(event.value["item"]["metadata"], json!({"colour": "red", "size": "4"}));
        assert_eq!(
            (
                level["quantity"].as_i64(),
                level["reserved"].as_i64(),
                level["available"].as_i64()
            ),
            (
                Some(movement.on_hand),
                Some(movement.reserved),
                Some(movement.available)
            )
        );
        assert_eq!(change["previous_quantity"], movement.on_hand - movement.on_hand_delta);
        assert_eq!(change["change_type"], movement.kind);
    }
}

fn catalogue_events(reads: &[&Read], moved: &[Movement], edges: &[Movement], captured: &Order) {
    let events = distinct(reads.iter().copied());
    let (alerts, changes): (Vec<&Read>, Vec<&Read>) = events
        .into_iter()
        .partition(|event| event.value["eventType"] == "LOW_STOCK_ALERT");
    let version = |value: &Value| value["payload"]["stockVersion"].as_i64().unwrap();
    assert_eq!(order(&changes, version), only(captured, moved));
    assert_eq!(order(&alerts, version), only(captured, edges));
    let ledger = by_place(moved);
    for event in changes {
        let (item, location) = event.subject();
        let movement = ledger[&(item, location, version(&event.value))];
        assert_eq!(event.value["payload"]["newQuantity"], movement.on_hand);
        assert_eq!(event.value["payload"]["newAvailable"], movement.available);
        assert_eq!(
            event.value["payload"]["previousAvailable"],
            movement.previous_available()
        );
        assert_eq!(event.value["payload"]["productId"], json!(event.key));
    }
}

fn cloud_events(reads: &[Read], moved: &[Movement], edges: &[Movement], captured: &Order) {
    let version = |value: &Value| value["version"].as_i64().unwrap();
    let of = |topic: &str| distinct(reads.iter().filter(|read| read.topic == topic));
    let updated = of(topics::WAREHOUSE_UPDATED);
    assert_eq!(order(&updated, version), only(captured, moved));
    assert_eq!(order(&of(topics::WAREHOUSE_LOW_STOCK), version), only(captured, edges));
    let mut sums: BTreeMap<(String, String), i64> = BTreeMap::new();
    for event in &updated {
        *sums.entry(event.subject()).or_default() += event.value["quantity_change"].as_i64().unwrap();
    }
    for movement in moved {
        // The last one of each level stays.
        let place = (movement.item.clone(), movement.location.clone());
        if moved
            .iter()
            .all(|other| other.place().2 <= movement.version || (&other.item, &other.location) != (&place.0, &place.1))
        {
            assert_eq!(
                sums[&place], movement.on_hand,
                "{place:?}: the sum of what was published"
            );
        }
    }
    for (topic, kinds) in [
        (topics::WAREHOUSE_ADJUSTED, vec!["adjustment", "quarantine"]),
        (topics::WAREHOUSE_TRANSFERRED, vec!["transfer_out", "transfer_in"]),
        (topics::WAREHOUSE_RESERVED, vec!["reserve"]),
        (topics::WAREHOUSE_RELEASED, vec!["release"]),
    ] {
        let sort: Vec<Movement> = moved
            .iter()
            .filter(|movement| kinds.contains(&movement.kind.as_str()))
            .cloned()
            .collect();
        assert!(!sort.is_empty(), "the seed draws nothing for {topic}");
        assert_eq!(order(&of(topic), version), only(captured, &sort), "{topic}");
    }
}

fn states(reads: &[&Read], movements: &[Movement]) {
    let newest: BTreeMap<&str, &Value> = reads.iter().map(|read| (read.key.as_str(), &read.value)).collect();
    let mut levels = BTreeMap::new();
    for movement in movements {
        levels.insert(format!("{}:{}", movement.item, movement.location), movement);
    }
    assert_eq!(newest.len(), levels.len());
    for (key, movement) in levels {
        let state = newest[key.as_str()];
        assert_eq!(state["version"], movement.version, "{key}");
        assert_eq!(
            (
                state["on_hand"].as_i64(),
                state["reserved"].as_i64(),
                state["available"].as_i64()
            ),
            (
                Some(movement.on_hand),
                Some(movement.reserved),
                Some(movement.available)
            ),
            "{key}"
        );
    }
}

fn aggregates(reads: &[&Read], summaries: &BTreeMap<String, Value>) {
    let newest: BTreeMap<String, &Value> = reads.iter().map(|read| (read.subject().0, &read.value)).collect();
    for (item, row) in summaries {
        let record = newest[item];
        assert_eq!(record["sku"], row["sku"]);
        assert_eq!(record["totalQuantity"], row["on_hand"]);
        assert_eq!(record["availableQuantity"], row["available"]);
        assert_eq!(record["lowStock"], row["status"] != "in_stock");
        for (kind, totals) in row["by_location_type"].as_object().unwrap() {
            assert_eq!(record["quantityByLocationType"][kind], totals["on_hand"], "{kind}");
        }
    }
}

/// The same records as a plain Python client reads them, which also reads every other public topic: there is something in each,
/// and what it cannot read is garbage that was sent on purpose.
async fn python_reads(world: &World) -> Vec<Read> {
    let (stack, items) = (world.stack.clone(), world.items.clone());
    let inbound = Inbound::send(&stack).await;
    tokio::task::spawn_blocking(move || {
        let ours = published();
        let others = topics::all().into_iter().map(|spec| spec.name).filter(|name| {
            let foreign = name.starts_with("onhand.") || name.starts_with("__");
            !foreign && !ours.contains(name)
        });
        let names: Vec<String> = ours.iter().cloned().chain(others).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let lines = python::read(&stack, &registry(), &names).unwrap();
        inbound.assert_read(&lines);
        for line in &lines {
            // Nobody but the publisher writes there, and none of its records may be anything else than the contract.
            let published = ours.iter().any(|name| line["topic"] == *name);
            assert!(!published || line["value"].get("unreadable").is_none(), "{line}");
        }
        let about = |line: &&Value| {
            let subject = line["headers"]["ce_subject"]
                .as_str()
                .and_then(|text| text.split('/').next());
            subject.is_some_and(|item| items.contains(item))
        };
        for name in &names {
            let read = |line: &Value| line["topic"] == *name && (about(&line) || inbound.has(line));
            assert!(lines.iter().any(read), "{name}: nothing was read");
        }
        lines
            .iter()
            .filter(about)
            .map(|line| Read::from_line(line).unwrap())
            .collect()
    })
    .await
    .unwrap()
}

/// The movements of one item come again, the last first: every event is recognised, no state goes back, and what was no edge
/// then is none now.
async fn again(world: &mut World, edges: &[Movement]) {
    let item = world.items.first().unwrap().clone();
    let topic = "onhand.inventory.stock_movement";
    let mut records = world.stack.records(topic).unwrap();
    records.retain(|record| {
        let key = record.key.as_deref().unwrap_or_default();
        key.windows(item.len()).any(|part| part == item.as_bytes())
    });
    let before = world.all().await;
    let before_ids: BTreeSet<String> = before.iter().map(|read| read.id().to_owned()).collect();
    let count = before.iter().filter(|read| read.topic == topics::STOCK_EVENTS).count();
    records.reverse();
    world.stack.produce_all(topic, &records).await.unwrap();
    world.wait_for(topics::STOCK_EVENTS, count + records.len(), false).await;
    let low: usize = edges.iter().filter(|edge| edge.item == item).count();
    let alerts = before
        .iter()
        .filter(|read| read.topic == topics::WAREHOUSE_LOW_STOCK)
        .count();
    world.wait_for(topics::WAREHOUSE_LOW_STOCK, alerts + low, false).await;
    let after = world.all().await;
    let ids: BTreeSet<String> = after.iter().map(|read| read.id().to_owned()).collect();
    assert_eq!(ids, before_ids, "what came again has the ids that it had");
    for topic in published() {
        distinct(after.iter().filter(|read| read.topic == topic));
    }
    let state: Vec<&Read> = after.iter().filter(|read| read.topic == topics::STATE).collect();
    states(&state, &world.movements);
}

/// The contract of the stock events has 32 bits for a quantity.
#[tokio::test(flavor = "multi_thread")]
async fn a_quantity_beyond_32_bits_does_not_wrap() {
    let stack = Stack::from_env().unwrap();
    let (client, connection) = connect(&stack.database, NoTls).await.unwrap();
    tokio::spawn(connection);
    let sku = format!("PUB-HUGE-{}", uuid::Uuid::now_v7().simple());
    operations::catalogue(&client, std::slice::from_ref(&sku))
        .await
        .unwrap();
    client
        .execute(
            "select from api.add_stock(sku => $1, location => 'PUB-W1', quantity => 5000000000)",
            &[&sku],
        )
        .await
        .unwrap();
    let movements = ledger::movements(&client, std::slice::from_ref(&sku)).await.unwrap();
    let mut world = World {
        reader: Reader::new(&registry()).unwrap(),
        items: movements.iter().map(|movement| movement.item.clone()).collect(),
        stack,
        client,
        movements,
    };
    world.wait_for(topics::STOCK_EVENTS, 1, true).await;
    world.wait_for(topics::STATE, 1, true).await;
    let event = world.topic(topics::STOCK_EVENTS).await.remove(0).value;
    assert_eq!(event["stock_level"]["quantity"], i32::MAX);
    assert_eq!(event["metadata"]["saturated"], "quantity,available,new_quantity");
    assert_eq!(event["metadata"]["exact_available"], "5000000000");
    let state = world.topic(topics::STATE).await.remove(0).value;
    assert_eq!(state["on_hand"], 5_000_000_000_i64);
}
