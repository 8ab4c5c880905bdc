//! Snapshots on order, and the tables that are captured for those who analyse.

use onhand_db::tokio_postgres::{Client, NoTls, connect};
use onhand_tests::stack::{Stack, eventually, program};

async fn sql(stack: &Stack, statements: &str) -> Vec<String> {
    let (client, connection) = connect(&stack.database, NoTls).await.unwrap();
    let driver = tokio::spawn(connection);
    let answers = simple(&client, statements).await;
    drop(client);
    driver.await.unwrap().unwrap();
    answers
}

/// First column of every row of every statement.
async fn simple(client: &Client, statements: &str) -> Vec<String> {
    use onhand_db::tokio_postgres::SimpleQueryMessage;
    let messages = client.simple_query(statements).await.unwrap();
    let rows = messages.into_iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or_default().to_owned()),
        _ => None,
    });
    rows.collect()
}

/// How many records of a topic have this text in key or value.
fn count(stack: &Stack, table: &str, text: &str) -> anyhow::Result<usize> {
    let has = |bytes: Option<&Vec<u8>>| {
        bytes.is_some_and(|bytes| bytes.windows(text.len()).any(|part| part == text.as_bytes()))
    };
    let records = stack.records(&format!("onhand.inventory.{table}"))?;
    Ok(records
        .iter()
        .filter(|record| has(record.key.as_ref()) || has(record.value.as_ref()))
        .count())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backfill_brings_the_rows_of_its_condition_beside_the_stream() {
    let stack = Stack::from_env().unwrap();
    let run = uuid::Uuid::now_v7().simple().to_string();
    let skus = ["A", "B"].map(|letter| format!("FLOW-FILL-{letter}-{run}"));
    let mut ids = Vec::new();
    for sku in &skus {
        ids.push(stack.stocked_item(sku, &["FLOW-W1"], 5).await.unwrap());
    }
    eventually("the items are in the topic once", || async {
        Ok(count(&stack, "item", &skus[0])? == 1 && count(&stack, "item", &skus[1])? == 1)
    })
    .await
    .unwrap();
    let before = stack.cached(&ids[0]).await.unwrap();

    let condition = format!("sku = '{}' and version > 0", skus[0]);
    let (code, text) = program(&[
        "connect",
        "backfill",
        "--table",
        "item",
        "--where",
        &condition,
        "--wait",
        "--timeout",
        "120",
    ]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("completed"), "{text}");
    assert_eq!(count(&stack, "item", &skus[0]).unwrap(), 2, "read again");
    assert_eq!(
        count(&stack, "item", &skus[1]).unwrap(),
        1,
        "does not fulfil the condition"
    );

    // The whole of the partitioned ledger works too; nobody is waited for.
    let condition = format!("item_id = '{}'", ids[1]);
    let (code, text) = program(&[
        "connect",
        "backfill",
        "--table",
        "inventory.stock_movement",
        "--where",
        &condition,
    ]);
    assert_eq!(code, 0, "{text}");
    eventually("the movement is read again", || async {
        Ok(count(&stack, "stock_movement", &ids[1])? == 2)
    })
    .await
    .unwrap();
    // What came twice has changed nothing.
    assert_eq!(
        stack.cached(&ids[0]).await.unwrap().get("row:FLOW-W1"),
        before.get("row:FLOW-W1")
    );
    let orders = sql(
        &stack,
        &format!("select detail ->> 'table' from inventory.audit_entry where detail ->> 'condition' like '%{run}%' or detail ->> 'condition' like '%{}%'", ids[1]),
    )
    .await;
    assert_eq!(orders, ["item", "stock_movement"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backfill_of_nonsense_is_refused_and_orders_nothing() {
    let stack = Stack::from_env().unwrap();
    let orders = "select count(*) from inventory.audit_entry where action = 'request_snapshot' and detail ->> 'table' = 'location'";
    let before = sql(&stack, orders).await;
    for (table, condition, expected) in [
        ("no_such_table", None, "is no captured table"),
        ("idempotency_key", None, "is no captured table"),
        ("debezium_signal", None, "is no captured table"),
        ("location", Some("no_such_column = 1"), "does not exist"),
        ("location", Some("id"), "is no condition"),
        ("location", Some("true) or (true"), "is no condition"),
        ("location", Some("true; delete from inventory.item"), "is no condition"),
        ("location", Some("true -- )"), "is no condition"),
        ("location", Some(" "), "is no condition"),
    ] {
        let mut arguments = vec!["connect", "backfill", "--table", table];
        if let Some(condition) = condition {
            arguments.extend(["--where", condition]);
        }
        let (code, text) = program(&arguments);
        assert!(code != 0 && text.contains(expected), "{arguments:?}: {code} {text}");
    }
    assert_eq!(sql(&stack, orders).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_for_analysis_arrives_on_its_topic_in_avro() {
    let stack = Stack::from_env().unwrap();
    let run = uuid::Uuid::now_v7().simple().to_string();
    let sku = |what: &str| format!("FLOW-{what}-{run}");
    let (plain, lots, serials, bundle) = (sku("PLAIN"), sku("LOT"), sku("SERIAL"), sku("BUNDLE"));
    stack.stocked_item(&plain, &["FLOW-W1", "FLOW-W2"], 50).await.unwrap();
    let supplier = format!("S-{}", &run[20..]);
    sql(
        &stack,
        &format!(
            "select api.upsert_item('{lots}', 'lots', tracking => 'lot');
             select api.upsert_item('{serials}', 'serials', tracking => 'serial');
             select api.upsert_item('{bundle}', 'bundle', kind => 'bundle');
             select api.set_bundle('{bundle}', '[{{\"sku\": \"{plain}\", \"quantity\": 2}}]');
             select api.set_item_units('{plain}', '[{{\"unit\": \"BOX\", \"quantity\": 10}}]');
             select * from api.apply_commands('[
                {{\"op\": \"add\", \"sku\": \"{lots}\", \"location\": \"FLOW-W1\", \"quantity\": 5, \"lot\": \"L-{run}\"}},
                {{\"op\": \"add\", \"sku\": \"{serials}\", \"location\": \"FLOW-W1\", \"quantity\": 1, \"serials\": [\"N-{run}\"]}},
                {{\"op\": \"reserve\", \"sku\": \"{lots}\", \"location\": \"FLOW-W1\", \"quantity\": 1}},
                {{\"op\": \"ship\", \"sku\": \"{lots}\", \"from\": \"FLOW-W1\", \"to\": \"FLOW-W2\", \"quantity\": 2}}]');
             select api.upsert_supplier('{supplier}', 'supplier');
             select api.set_item_supplier('{plain}', '{supplier}', 5);
             select * from api.place_purchase_order('{supplier}', 'FLOW-W1', '[{{\"sku\": \"{plain}\", \"quantity\": 3}}]');
             select * from api.open_count('FLOW-W1', skus => array['{plain}'])"
        ),
    )
    .await;
    let one = |query: &str| {
        let (stack, query) = (stack.clone(), query.to_owned());
        async move { sql(&stack, &query).await.pop().unwrap_or_default() }
    };
    let item = |sku: &str| format!("(select id from inventory.item where sku = '{sku}')");
    let lot_id = one(&format!("select id from inventory.lot where code = 'L-{run}'")).await;
    let transfer = one(&format!(
        "select transfer_id from inventory.transfer_line where item_id = {}",
        item(&lots)
    ))
    .await;
    let order = one(&format!(
        "select purchase_order_id from inventory.purchase_order_line where item_id = {}",
        item(&plain)
    ))
    .await;
    let counted = one(&format!(
        "select stock_count_id from inventory.stock_count_line where item_id = {}",
        item(&plain)
    ))
    .await;
    let plain_id = one(&format!("select {}::text", item(&plain))).await;
    let bundle_id = one(&format!("select {}::text", item(&bundle))).await;

    let expected: [(&str, &str); 17] = [
        ("item_unit", &plain_id),
        ("bundle_component", &bundle_id),
        ("transfer", &transfer),
        ("transfer_line", &transfer),
        ("transfer_lot", &transfer),
        ("lot", &lot_id),
        ("lot_level", &lot_id),
        ("lot_movement", &lot_id),
        ("reservation_lot", &lot_id),
        ("serial", &format!("N-{run}")),
        ("serial_movement", &format!("N-{run}")),
        ("supplier", &supplier),
        ("item_supplier", &supplier),
        ("purchase_order", &order),
        ("purchase_order_line", &order),
        ("stock_count", &counted),
        ("stock_count_line", &counted),
    ];
    for (table, text) in expected {
        assert!(!text.is_empty(), "{table}");
        eventually(&format!("the row of {table} is in its topic"), || async {
            Ok(count(&stack, table, text)? > 0)
        })
        .await
        .unwrap();
    }
    // Reason codes are there since the installation: they are changed by an administrator alone.
    eventually("reason codes came with the snapshot", || async {
        Ok(count(&stack, "reason_code", "theft")? > 0)
    })
    .await
    .unwrap();
    for (table, _) in expected {
        for record in stack.records(&format!("onhand.inventory.{table}")).unwrap() {
            for bytes in [record.key, record.value].into_iter().flatten() {
                assert_eq!(bytes[0], 0, "{table}: the frame of a schema id");
                let id = u32::from_be_bytes(bytes[1..5].try_into().unwrap());
                assert!((1..100_000).contains(&id), "{table}: schema {id}");
            }
        }
    }
    // The rows of a bundle that is taken apart go: their topic hears of it, with the whole old row and a tombstone.
    let before = count(&stack, "bundle_component", &bundle_id).unwrap();
    sql(
        &stack,
        &format!("select api.set_bundle('{bundle}', '[{{\"sku\": \"{lots}\", \"quantity\": 1}}]')"),
    )
    .await;
    eventually("the delete, its tombstone and the new row", || async {
        Ok(count(&stack, "bundle_component", &bundle_id)? == before + 3)
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn our_converter_writes_the_records_of_all_tables() {
    let stack = Stack::from_env().unwrap();
    let log = format!("{}/log/connect.log", stack.state);
    eventually("the worker has made the converter", || async {
        Ok(std::fs::read_to_string(&log)?.contains("Set up the value converter class onhand.connect.AvroConverter"))
    })
    .await
    .unwrap();
    // The first record of every schema is written by both, and compared.
    let text = std::fs::read_to_string(&log).unwrap();
    let left: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("onhand.connect.AvroConverter") && line.contains("Records of onhand.inventory."))
        .collect();
    assert!(left.is_empty(), "{left:#?}");
}
