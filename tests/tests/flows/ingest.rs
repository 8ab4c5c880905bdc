//! What other systems send: from a topic into the ledger and Redis, or back to its sender with the reason.

use onhand_cdc::topics::{FAILURES, INVENTORY_EVENTS, INVENTORY_EVENTS_DLQ, STOCK_COMMANDS};
use onhand_tests::inbound::{Contract, Inventory, failures, header, hex, record, with_keys};
use onhand_tests::kafka::RawRecord;
use onhand_tests::stack::{Stack, eventually};
use serde_json::{Value, json};
use uuid::Uuid;

const PLACE: &str = "INGEST-W1";
const OTHER: &str = "INGEST-W2";
const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

struct World {
    stack: Stack,
    inventory: Inventory,
    event: Contract,
    command: Contract,
    failure: Contract,
    /// Distinct in each run, so that a test can be run again on the same stack.
    run: String,
}

async fn world() -> World {
    let stack = Stack::from_env().unwrap();
    World {
        inventory: Inventory::connect(&stack).await.unwrap(),
        event: Contract::own("inventory/v2_inventory_event.avsc").await.unwrap(),
        command: Contract::own("stock/v1_stock_command.avsc").await.unwrap(),
        failure: Contract::own("stock/v1_stock_failure.avsc").await.unwrap(),
        run: Uuid::now_v7().simple().to_string(),
        stack,
    }
}

impl World {
    fn sku(&self, name: &str) -> String {
        format!("INGEST-{name}-{}", self.run)
    }

    fn id(&self, name: &str) -> String {
        format!("{}-{name}", self.run)
    }

    /// A framed event; `change` overrides what it usually says.
    fn event(&self, id: &str, event_type: &str, sku: &str, quantity: i64, change: Value) -> Vec<u8> {
        let mut fields = json!({"eventId": self.id(id), "sku": sku, "eventType": event_type, "quantity": quantity,
            "locationId": PLACE, "timestamp": 1_700_000_000_123_i64});
        merge(&mut fields, change);
        self.event.encode(&fields).unwrap()
    }

    fn command(&self, id: &str, command_type: &str, fields: Value) -> Vec<u8> {
        let mut all = json!({"command_id": self.id(id), "command_type": command_type});
        merge(&mut all, fields);
        self.command.encode(&all).unwrap()
    }

    async fn level_becomes(&self, sku: &str, place: &str, wanted: (i64, i64, i64)) {
        eventually(&format!("{sku} at {place} is {wanted:?}"), || async {
            Ok(self.inventory.level(sku, place).await? == wanted)
        })
        .await
        .unwrap();
    }

    async fn dead_letters(&self, topic: &str, keys: &[String]) -> Vec<RawRecord> {
        eventually("the dead letters are there", || async {
            Ok(with_keys(&self.stack, topic, keys)?.len() >= keys.len())
        })
        .await
        .unwrap();
        with_keys(&self.stack, topic, keys).unwrap()
    }
}

fn merge(into: &mut Value, from: Value) {
    let Value::Object(from) = from else { return };
    into.as_object_mut().unwrap().extend(from);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_type_of_event_reaches_the_ledger_and_redis() {
    let world = world().await;
    let sku = world.sku("EVENTS");
    let item = world.inventory.stock(&sku, &[PLACE], 100).await.unwrap();
    let said = json!({"userId": "u-7", "reason": "stocktaking", "metadata": {"correlationId": "c-7"}});
    let mut adjustment = record(&sku, world.event("adjust", "ADJUSTMENT", &sku, -5, said));
    adjustment
        .headers
        .push(("traceparent".to_owned(), TRACE.as_bytes().to_vec()));
    let old = Contract::own("inventory/v1_inventory_event.avsc").await.unwrap();
    let sale = json!({"eventId": world.id("sale"), "sku": sku, "eventType": "SALE", "quantity": 2, "locationId": PLACE,
        "timestamp": 1_700_000_000_123_i64});
    let records = [
        record(
            &sku,
            world.event("in", "STOCK_IN", &sku, 10, json!({"supplierName": "Lamps Ltd"})),
        ),
        record(&sku, world.event("out", "STOCK_OUT", &sku, 3, json!({}))),
        record(&sku, old.encode(&sale).unwrap()),
        record(&sku, world.event("hold", "RESERVATION", &sku, 4, json!({}))),
        adjustment,
    ];
    world.stack.produce_all(INVENTORY_EVENTS, &records).await.unwrap();
    world.level_becomes(&sku, PLACE, (100, 4, 0)).await;
    eventually("Redis has it", || async {
        Ok(world.stack.cached(&item).await?.get("available").map(String::as_str) == Some("96"))
    })
    .await
    .unwrap();
    let row = |id: &str, column: &str| {
        let query = format!("select m.{column}::text from inventory.stock_movement as m where m.reference = $1");
        let reference = world.id(id);
        let inventory = &world.inventory;
        async move { inventory.text(&query, &reference).await.unwrap().unwrap_or_default() }
    };
    for (id, kind) in [
        ("in", "receipt"),
        ("out", "removal"),
        ("sale", "removal"),
        ("hold", "reserve"),
        ("adjust", "adjustment"),
    ] {
        assert_eq!(row(id, "type").await, kind, "{id}");
        assert_eq!(row(id, "source").await, "kafka");
        assert!(
            row(id, "occurred_at").await.starts_with("2023-11-14 22:13:20.123"),
            "{id}"
        );
    }
    assert_eq!(row("in", "reason").await, "Lamps Ltd");
    assert_eq!(row("sale", "reason").await, "sale");
    for (column, value) in [
        ("user_id", "u-7"),
        ("reason", "stocktaking"),
        ("correlation_id", "c-7"),
        ("traceparent", TRACE),
    ] {
        assert_eq!(row("adjust", column).await, value);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_from_outside_does_what_its_operation_does() {
    let world = world().await;
    let sku = world.sku("COMMANDS");
    world.inventory.stock(&sku, &[PLACE, OTHER], 100).await.unwrap();
    let here = |quantity: i64| json!({"sku": sku, "location_id": PLACE, "quantity": quantity});
    let there =
        |quantity: i64| json!({"sku": sku, "location_id": PLACE, "to_location_id": OTHER, "quantity": quantity});
    let because = |mut fields: Value| {
        merge(&mut fields, json!({"reason_code": "damaged"}));
        fields
    };
    let hold = Uuid::now_v7().to_string();
    let reserved = |id: &str| json!({"reservation_id": id});
    let extended = json!({"reservation_id": hold, "expires_in_seconds": 3600});
    let moved = json!({"reservation_id": hold, "to_location_id": OTHER});
    let mut reserve = here(6);
    merge(&mut reserve, reserved(&hold));
    let lines = json!({"location_id": PLACE, "lines": [{"sku": sku, "quantity": 2}]});
    // Its reservation has the id that follows from the id of the command.
    let own = Uuid::now_v7().to_string();
    let by_id = json!({"command_id": own, "sku": sku, "location_id": PLACE, "quantity": 5});
    let values = [
        world.command("add", "ADD", here(10)),
        world.command("remove", "REMOVE", here(1)),
        world.command("return", "RETURN", here(2)),
        world.command("adjust", "ADJUST", because(here(-3))),
        world.command("quarantine", "QUARANTINE", here(4)),
        world.command("restore", "RESTORE", here(1)),
        world.command("write-off", "WRITE_OFF", because(here(1))),
        world.command("move", "MOVE", there(7)),
        world.command("ship", "SHIP", there(8)),
        world.command("called-back", "SHIP", there(5)),
        world.command("reserve", "RESERVE", reserve),
        world.command("extend", "EXTEND", extended),
        world.command("relocate", "RELOCATE", moved),
        world.command("confirm", "CONFIRM", reserved(&hold)),
        world.command("own", "RESERVE", by_id),
        world.command("cancel", "CANCEL", reserved(&own)),
        world.command("lines", "RESERVE", lines),
    ];
    let records: Vec<RawRecord> = values.into_iter().map(|value| record(&sku, value)).collect();
    world.stack.produce_all(STOCK_COMMANDS, &records).await.unwrap();
    // 100 + 10 - 1 + 2 - 3 - 4 + 1 - 7 - 8 - 5; two of them held; three damaged ones less one written off.
    world.level_becomes(&sku, PLACE, (85, 2, 2)).await;
    world.level_becomes(&sku, OTHER, (101, 0, 0)).await;

    let transfer = |id: &str| {
        let (reference, inventory) = (world.id(id), &world.inventory);
        async move {
            let query = "select t.id::text from inventory.transfer as t where t.reference = $1";
            inventory.text(query, &reference).await.unwrap().unwrap()
        }
    };
    let (arriving, called_back) = (transfer("ship").await, transfer("called-back").await);
    let received = json!({"transfer_id": arriving, "lines": [{"sku": sku, "received": 7, "damaged": 1}]});
    let records = [
        record(&sku, world.command("receive", "RECEIVE", received)),
        record(
            &sku,
            world.command("call-back", "CANCEL_TRANSFER", json!({"transfer_id": called_back})),
        ),
    ];
    world.stack.produce_all(STOCK_COMMANDS, &records).await.unwrap();
    world.level_becomes(&sku, PLACE, (90, 2, 2)).await;
    world.level_becomes(&sku, OTHER, (108, 0, 1)).await;
    let refused = failures(&world.stack, &world.failure, &world.run).unwrap();
    assert!(refused.is_empty(), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_in_json_is_a_command_like_any_other() {
    let world = world().await;
    let sku = world.sku("JSON");
    world.inventory.stock(&sku, &[PLACE], 10).await.unwrap();
    let json = |body: Value| RawRecord {
        headers: vec![("content-type".to_owned(), b"application/json".to_vec())],
        ..record(&sku, body.to_string().into_bytes())
    };
    let base = json!({"command_id": world.id("ok"), "command_type": "REMOVE", "sku": sku, "location_id": PLACE,
        "quantity": 4, "occurred_at": "2026-01-02T03:04:05Z", "metadata": {"any": "thing"}});
    let with = |change: Value| {
        let mut fields = base.clone();
        merge(&mut fields, change);
        json(fields)
    };
    let misspelt = with(json!({"command_id": world.id("misspelt"), "expcted_version": 1}));
    let teleport = with(json!({"command_id": world.id("teleport"), "command_type": "TELEPORT"}));
    let internal = with(json!({"command_id": world.id("internal"), "command_type": "EXPIRE"}));
    let records = [with(json!({})), misspelt.clone(), teleport.clone(), internal];
    world.stack.produce_all(STOCK_COMMANDS, &records).await.unwrap();
    world.level_becomes(&sku, PLACE, (6, 0, 0)).await;
    let letters = world.dead_letters(FAILURES, std::slice::from_ref(&sku)).await;
    assert_eq!(letters.len(), 1, "{letters:?}");
    assert_eq!(letters[0].value, misspelt.value);
    assert!(header(&letters[0], "error").unwrap().contains("expcted_version"));
    let answered = || failures(&world.stack, &world.failure, &world.run);
    eventually("both are answered", || async { Ok(answered()?.len() == 2) })
        .await
        .unwrap();
    let answers = answered().unwrap();
    let answer = &answers[&world.id("teleport")];
    assert_eq!(
        (&answer["code"], &answer["slug"]),
        (&json!("IV008"), &json!("invalid_argument"))
    );
    assert_eq!(answer["original_value"], hex(teleport.value.as_deref().unwrap()));
    assert!(answers.contains_key(&world.id("internal")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_id_again_has_no_effect_and_another_body_under_it_is_refused() {
    let world = world().await;
    let sku = world.sku("TWICE");
    world.inventory.stock(&sku, &[PLACE], 100).await.unwrap();
    let event = record(&sku, world.event("once", "SALE", &sku, 3, json!({})));
    let command = record(
        &sku,
        world.command("once", "ADD", json!({"sku": sku, "location_id": PLACE, "quantity": 10})),
    );
    // Three times in one batch, and then again: an id means one thing for each topic.
    for _ in 0..2 {
        let (events, commands) = (vec![event.clone(); 3], vec![command.clone(); 3]);
        world.stack.produce_all(INVENTORY_EVENTS, &events).await.unwrap();
        world.stack.produce_all(STOCK_COMMANDS, &commands).await.unwrap();
        world.level_becomes(&sku, PLACE, (107, 0, 0)).await;
    }
    let other_event = record(&sku, world.event("once", "SALE", &sku, 4, json!({})));
    let other_command = record(
        &sku,
        world.command("once", "ADD", json!({"sku": sku, "location_id": PLACE, "quantity": 11})),
    );
    // What comes behind shows that the partition has moved on.
    let last = [
        record(&sku, world.event("last", "SALE", &sku, 1, json!({}))),
        record(
            &sku,
            world.command(
                "last",
                "REMOVE",
                json!({"sku": sku, "location_id": PLACE, "quantity": 1}),
            ),
        ),
    ];
    let [last_event, last_command] = last;
    world
        .stack
        .produce_all(INVENTORY_EVENTS, &[other_event.clone(), last_event])
        .await
        .unwrap();
    world
        .stack
        .produce_all(STOCK_COMMANDS, &[other_command.clone(), last_command])
        .await
        .unwrap();
    world.level_becomes(&sku, PLACE, (105, 0, 0)).await;
    let letters = world
        .dead_letters(INVENTORY_EVENTS_DLQ, std::slice::from_ref(&sku))
        .await;
    assert_eq!(letters.len(), 1, "{letters:?}");
    assert_eq!(letters[0].value, other_event.value);
    assert!(
        header(&letters[0], "error")
            .unwrap()
            .starts_with("IV007 idempotency_key_reused")
    );
    eventually("the other command is answered", || async {
        Ok(failures(&world.stack, &world.failure, &world.run)?.len() == 1)
    })
    .await
    .unwrap();
    let answers = failures(&world.stack, &world.failure, &world.run).unwrap();
    let answer = &answers[&world.id("once")];
    assert_eq!(answer["code"], "IV007");
    assert_eq!(answer["original_value"], hex(other_command.value.as_deref().unwrap()));
    let counts = world.inventory.movements(&[world.id("once")]).await.unwrap();
    assert_eq!(counts[&world.id("once")], 2, "one of the event, one of the command");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_order_of_a_sku_is_kept_and_a_refused_one_stops_nobody() {
    let world = world().await;
    let skus: Vec<String> = (0..12).map(|n| world.sku(&format!("ORDER{n}"))).collect();
    for sku in &skus {
        world.inventory.stock(sku, &[PLACE], 0).await.unwrap();
    }
    // For each sku: sold before it came, so refused; received; sold again, and sold once too often. Interleaved over all.
    let steps = [("SALE", 5), ("STOCK_IN", 6), ("SALE", 5), ("SALE", 2), ("STOCK_IN", 1)];
    let mut records = Vec::new();
    for (step, (event_type, quantity)) in steps.iter().enumerate() {
        for (n, sku) in skus.iter().enumerate() {
            let id = format!("order-{n}-{step}");
            records.push(record(sku, world.event(&id, event_type, sku, *quantity, json!({}))));
        }
    }
    world.stack.produce_all(INVENTORY_EVENTS, &records).await.unwrap();
    for sku in &skus {
        world.level_becomes(sku, PLACE, (2, 0, 0)).await;
    }
    eventually("two of each are refused", || async {
        Ok(with_keys(&world.stack, INVENTORY_EVENTS_DLQ, &skus)?.len() == 2 * skus.len())
    })
    .await
    .unwrap();
    for letter in with_keys(&world.stack, INVENTORY_EVENTS_DLQ, &skus).unwrap() {
        let error = header(&letter, "error").unwrap();
        assert!(error.starts_with("IV001 insufficient_stock"), "{error}");
    }
}

/// What is wrong with a record, the record, and a word of the reason that its sender is given.
type Bad = (&'static str, RawRecord, &'static str);

async fn bad_events(world: &World, sku: &str) -> Vec<Bad> {
    let good = |name: &str| world.event(name, "SALE", sku, 1, json!({}));
    let of = |name: &str, event_type: &str, quantity: i64, change: Value| {
        world.event(name, event_type, sku, quantity, change)
    };
    let newer = include_str!("../../../cdc/schemas/inventory/v2_inventory_event.avsc")
        .replace("\"SALE\",", "\"SALE\", \"TELEPORT\",");
    let newer = Contract::register("onhand-tests-newer-event-value", &newer)
        .await
        .unwrap();
    let teleport = json!({"eventId": world.id("teleport"), "sku": sku, "eventType": "TELEPORT", "quantity": 1,
        "locationId": PLACE, "timestamp": 0});
    let mut truncated = good("truncated");
    truncated.pop();
    let mut symbol = good("symbol");
    // Behind the frame: the id and its length, the sku and its length, then the symbol.
    let at = 5 + 1 + world.id("symbol").len() + 1 + sku.len();
    symbol[at] = 60;
    let unknown_id = [vec![0, 0x7f, 0xff, 0xff, 0xff], good("unknown-id").split_off(5)].concat();
    let cases: Vec<(&str, Option<Vec<u8>>, &str)> = vec![
        ("garbage", Some(vec![0xde, 0xad, 0xbe, 0xef]), "magic byte"),
        (
            "magic",
            Some([vec![1], good("magic").split_off(1)].concat()),
            "magic byte",
        ),
        ("short", Some(vec![0, 0, 0]), "shorter"),
        ("nothing", None, "no value"),
        ("unknown id", Some(unknown_id), "not in the registry"),
        ("truncated", Some(truncated), "does not fit"),
        ("trailing", Some([good("trailing"), vec![0]].concat()), "left over"),
        ("symbol", Some(symbol), "does not fit"),
        ("newer symbol", Some(newer.encode(&teleport).unwrap()), "TELEPORT"),
        ("negative", Some(of("negative", "SALE", -1, json!({}))), "IV008"),
        ("zero", Some(of("zero", "STOCK_IN", 0, json!({}))), "IV008"),
        ("no reason", Some(of("no-reason", "ADJUSTMENT", 1, json!({}))), "IV008"),
        (
            "unknown reason",
            Some(of("why", "ADJUSTMENT", 1, json!({"metadata": {"reasonCode": "whim"}}))),
            "IV026",
        ),
        (
            "unknown sku",
            Some(of("sku", "SALE", 1, json!({"sku": "INGEST-NONE"}))),
            "IV003",
        ),
        (
            "unknown place",
            Some(of("place", "SALE", 1, json!({"locationId": "INGEST-NOWHERE"}))),
            "IV004",
        ),
        ("too much", Some(of("much", "SALE", 1_000_000, json!({}))), "IV001"),
        (
            "no id",
            Some(of("none", "SALE", 1, json!({"eventId": ""}))),
            "idempotency_key",
        ),
        (
            "no time",
            Some(of("time", "SALE", 1, json!({"timestamp": i64::MAX}))),
            "occurred_at",
        ),
        // Postgres cannot store this letter in any text: the whole call fails.
        (
            "zero letter",
            Some(of("letter", "SALE", 1, json!({"reason": "a\u{0}b"}))),
            "22P05",
        ),
        ("large", Some(vec![7; 900_000]), "magic byte"),
    ];
    cases
        .into_iter()
        .map(|(name, value, word)| {
            let headers = vec![
                ("case".to_owned(), name.as_bytes().to_vec()),
                ("odd".to_owned(), vec![0xff, 0, 0xfe]),
            ];
            // All have one key, and so one partition.
            (
                name,
                RawRecord {
                    key: Some(sku.as_bytes().to_vec()),
                    value,
                    headers,
                },
                word,
            )
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn f21_f22_bad_events_go_back_as_they_were_with_the_reason_and_the_partition_moves_on() {
    let world = world().await;
    let sku = world.sku("BAD");
    world.inventory.stock(&sku, &[PLACE], 10).await.unwrap();
    let bad = bad_events(&world, &sku).await;
    let mut records: Vec<RawRecord> = vec![record(&sku, world.event("first", "SALE", &sku, 1, json!({})))];
    for (n, (_, sent, _)) in bad.iter().enumerate() {
        records.push(sent.clone());
        // A good one behind each bad one.
        records.push(record(
            &sku,
            world.event(&format!("good-{n}"), "STOCK_IN", &sku, 1, json!({})),
        ));
    }
    records.push(RawRecord {
        key: None,
        ..record("", world.event("no-key", "STOCK_IN", &sku, 1, json!({})))
    });
    world.stack.produce_all(INVENTORY_EVENTS, &records).await.unwrap();
    let good = i64::try_from(bad.len()).unwrap();
    world.level_becomes(&sku, PLACE, (10 - 1 + good + 1, 0, 0)).await;
    let keys = vec![sku.clone()];
    eventually("each has its dead letter", || async {
        Ok(with_keys(&world.stack, INVENTORY_EVENTS_DLQ, &keys)?.len() >= bad.len())
    })
    .await
    .unwrap();
    let letters = with_keys(&world.stack, INVENTORY_EVENTS_DLQ, &keys).unwrap();
    assert_eq!(letters.len(), bad.len());
    for (name, sent, word) in &bad {
        let found = letters.iter().find(|letter| header(letter, "case") == Some(*name));
        let letter = found.unwrap_or_else(|| panic!("{name} has no dead letter"));
        assert_eq!(letter.value, sent.value, "{name}");
        assert_eq!(letter.headers[..2], sent.headers[..], "{name}");
        let error = header(letter, "error").unwrap();
        assert!(error.contains(word), "{name}: {error}");
        assert_eq!(header(letter, "original_topic"), Some(INVENTORY_EVENTS));
        for more in ["failed_at", "retry_count", "__connect.errors.offset"] {
            assert!(header(letter, more).is_some(), "{name}: {more}");
        }
    }
    // Ten times as much as a record may have does not even get in.
    let huge = record(&sku, vec![0; 10 * 1024 * 1024]);
    let error = world.stack.produce_all(INVENTORY_EVENTS, &[huge]).await.unwrap_err();
    assert!(error.to_string().contains("MessageSizeTooLarge"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_commands_are_answered_and_unreadable_ones_are_kept() {
    let world = world().await;
    let sku = world.sku("REFUSED");
    world.inventory.stock(&sku, &[PLACE], 10).await.unwrap();
    let with = |change: Value| {
        let mut fields = json!({"sku": sku, "location_id": PLACE, "quantity": 1, "correlation_id": "c-1"});
        merge(&mut fields, change);
        fields
    };
    let refused = [
        ("stock", "REMOVE", with(json!({"quantity": 1_000})), "IV001"),
        ("sku", "ADD", with(json!({"sku": "INGEST-NONE"})), "IV003"),
        ("place", "ADD", with(json!({"location_id": "INGEST-NOWHERE"})), "IV004"),
        (
            "hold",
            "CONFIRM",
            json!({"reservation_id": Uuid::now_v7().to_string()}),
            "IV005",
        ),
        ("version", "ADD", with(json!({"expected_version": 1_000_000})), "IV006"),
        ("negative", "ADD", with(json!({"quantity": -1})), "IV008"),
        ("field", "CANCEL", with(json!({})), "IV008"),
        ("range", "ADD", with(json!({"quantity": i64::MAX})), "IV012"),
        ("letter", "ADD", with(json!({"reason": "a\u{0}b"})), "22P05"),
    ];
    let mut records = Vec::new();
    for (name, command_type, fields, _) in &refused {
        records.push(record(&sku, world.command(name, command_type, fields.clone())));
        records.push(record(
            &sku,
            world.command(&format!("good-{name}"), "ADD", with(json!({}))),
        ));
    }
    let mut cut = world.command("cut", "ADD", with(json!({})));
    cut.truncate(20);
    let unreadable = [
        RawRecord {
            value: None,
            ..record(&sku, Vec::new())
        },
        record(&sku, b"{}".to_vec()),
        record(&sku, cut),
    ];
    records.extend(unreadable.iter().cloned());
    records.push(record(&sku, world.command("last", "ADD", with(json!({})))));
    world.stack.produce_all(STOCK_COMMANDS, &records).await.unwrap();
    let good = i64::try_from(refused.len()).unwrap() + 1;
    world.level_becomes(&sku, PLACE, (10 + good, 0, 0)).await;
    let answered = || failures(&world.stack, &world.failure, &world.run);
    eventually("each refused one is answered", || async {
        Ok(answered()?.len() >= refused.len())
    })
    .await
    .unwrap();
    let answers = answered().unwrap();
    assert_eq!(answers.len(), refused.len());
    for (name, command_type, fields, code) in &refused {
        let answer = &answers[&world.id(name)];
        assert_eq!(answer["code"], *code, "{answer}");
        assert_eq!(answer["command_type"], *command_type);
        assert_eq!(
            answer["original_value"],
            hex(&world.command(name, command_type, fields.clone()))
        );
        assert_eq!(answer["original_key"], hex(sku.as_bytes()));
        assert_eq!(answer["correlation_id"], fields["correlation_id"]);
        assert_eq!(answer["original_topic"], STOCK_COMMANDS);
        assert!(!answer["message"].as_str().unwrap().is_empty());
    }
    let detail: Value = serde_json::from_str(answers[&world.id("stock")]["detail"].as_str().unwrap()).unwrap();
    assert_eq!((&detail["sku"], &detail["requested"]), (&json!(sku), &json!(1_000)));
    let letters = world.dead_letters(FAILURES, std::slice::from_ref(&sku)).await;
    eventually("all three are kept", || async {
        Ok(with_keys(&world.stack, FAILURES, std::slice::from_ref(&sku))?.len() == unreadable.len())
    })
    .await
    .unwrap_or_else(|error| panic!("{error}: {letters:?}"));
    let letters = with_keys(&world.stack, FAILURES, std::slice::from_ref(&sku)).unwrap();
    for (sent, letter) in unreadable.iter().zip(&letters) {
        assert_eq!(letter.value, sent.value);
        for name in ["error", "original_topic", "retry_count", "failed_at"] {
            assert!(header(letter, name).is_some_and(|text| !text.is_empty()), "{name}");
        }
    }
}
