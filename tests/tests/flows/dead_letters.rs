//! Dead letters found, sent again after the fix, and dropped.

use std::collections::HashMap;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use onhand_tests::kafka::RawRecord;
use onhand_tests::stack::{SETTLE, Stack, eventually, program};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use serde_json::{Value, json};

const LEVELS: &str = "onhand.inventory.stock_level";
const CACHE: &str = "onhand.inventory.stock_level.onhand.cache.dlq";
const SEARCH: &str = "onhand.inventory.stock_level.onhand.search.dlq";

/// One redrive ends the one before it, so the tests that make one take turns.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Runs `onhand dlq` and reads its JSON lines.
fn dlq(arguments: &[&str]) -> Vec<Value> {
    let arguments = [&["dlq"], arguments, &["--output", "json"]].concat();
    let (code, text) = program(&arguments);
    assert_eq!(code, 0, "{arguments:?}: {text}");
    text.lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

/// The headers that the runtime puts behind those of the record.
fn error_headers(topic: &str, partition: i32, group: &str, reason: &str) -> Vec<(String, Vec<u8>)> {
    let at = jiff::Timestamp::now().to_string();
    [
        ("__connect.errors.topic", topic),
        ("__connect.errors.partition", &partition.to_string()),
        ("__connect.errors.offset", "0"),
        ("__connect.errors.connector.name", group),
        ("error", reason),
        ("original_topic", topic),
        ("retry_count", "0"),
        ("failed_at", &at),
    ]
    .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
    .into()
}

async fn audit_entries(stack: &Stack, note: &str) -> Vec<(String, Value)> {
    let (client, connection) = onhand_db::tokio_postgres::connect(&stack.database, onhand_db::tokio_postgres::NoTls)
        .await
        .unwrap();
    let driver = tokio::spawn(connection);
    let rows = client
        .query(
            "select action, detail from inventory.audit_entry where detail ->> 'note' = $1 order by id",
            &[&note],
        )
        .await
        .unwrap();
    drop(client);
    driver.await.unwrap().unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn f22_what_is_sent_again_after_the_fix_leaves_the_models_equal_and_nothing_is_sent_twice() {
    let _turn = TURN.lock().await;
    let stack = Stack::from_env().unwrap();
    let run = uuid::Uuid::now_v7().simple().to_string();
    let sku = format!("FLOW-DLQ-{run}");
    let id = stack.stocked_item(&sku, &["FLOW-W1", "FLOW-W2"], 20).await.unwrap();
    eventually("Redis has both rows", || async {
        Ok(stack.cached_version(&id, "FLOW-W1").await? > 0 && stack.cached_version(&id, "FLOW-W2").await? > 0)
    })
    .await
    .unwrap();
    let before = stack.cached(&id).await.unwrap();
    let records: Vec<RawRecord> = stack
        .records(LEVELS)
        .unwrap()
        .into_iter()
        .filter(|record| {
            let key = record.key.as_deref().unwrap_or_default();
            key.windows(id.len()).any(|part| part == id.as_bytes())
        })
        .collect();
    assert_eq!(records.len(), 2);

    // A consumer that was broken gave both up, so the cache has neither.
    let mut redis = stack.redis().await.unwrap();
    let _: i64 = redis::cmd("DEL")
        .arg(format!("catalog:stock:{{{id}}}"))
        .query_async(&mut redis)
        .await
        .unwrap();
    for record in &records {
        let mut letter = record.clone();
        // The record's own header of a name that ours have too stays its own.
        letter.headers.push(("error".to_owned(), b"its own".to_vec()));
        letter.headers.extend(error_headers(LEVELS, 0, "onhand.cache", &run));
        stack.produce(CACHE, &letter).await.unwrap();
    }

    let listed = dlq(&["list", "--reason", &run.to_uppercase(), "--group", "onhand.cache"]);
    assert_eq!(listed.len(), 2, "{listed:?}");
    assert!(
        listed
            .iter()
            .all(|letter| letter["state"] == "open" && letter["original"]["topic"] == LEVELS)
    );
    assert_eq!(dlq(&["list", "--reason", &run, "--group", "onhand.search"]).len(), 0);
    assert_eq!(
        dlq(&["list", "--reason", &run, "--topic", "onhand.inventory.item"]).len(),
        0
    );
    assert_eq!(dlq(&["list", "--reason", &run, "--until", "1h"]).len(), 0);
    let shown = dlq(&["show", listed[0]["letter"].as_str().unwrap()]);
    assert_eq!(shown[0]["headers"][0]["text"], "its own", "{}", shown[0]);
    let bytes = records[0].value.as_ref().unwrap();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(shown[0]["value_hex"], json!(hex));

    let rehearsed = dlq(&["redrive", "--reason", &run, "--dry-run", "--note", &run]);
    assert_eq!(
        (&rehearsed[0]["letters"], &rehearsed[0]["done"][0]["to"]),
        (&json!(2), &json!(LEVELS))
    );
    assert_eq!(dlq(&["list", "--reason", &run]).len(), 2, "a dry run changes nothing");
    assert!(audit_entries(&stack, &run).await.is_empty());

    assert_eq!(dlq(&["redrive", "--reason", &run, "--note", &run])[0]["letters"], 2);
    eventually("Redis has both rows again", || async {
        let after = stack.cached(&id).await?;
        Ok([
            "row:FLOW-W1",
            "row:FLOW-W2",
            "warehouse:FLOW-W1",
            "available",
            "total",
            "status",
        ]
        .iter()
        .all(|field| after.get(*field) == before.get(*field)))
    })
    .await
    .unwrap();

    // Running it again does nothing again.
    assert_eq!(dlq(&["redrive", "--reason", &run, "--note", &run])[0]["letters"], 0);
    assert_eq!(dlq(&["list", "--reason", &run]).len(), 0);
    assert_eq!(dlq(&["list", "--reason", &run, "--state", "redriven"]).len(), 2);
    let copies: Vec<RawRecord> = stack
        .records(LEVELS)
        .unwrap()
        .into_iter()
        .filter(|record| {
            records
                .iter()
                .any(|original| original.value == record.value && original.key == record.key)
        })
        .collect();
    assert_eq!(copies.len(), 4, "each once as it came and once sent again");
    let again: Vec<&RawRecord> = copies.iter().filter(|record| !record.headers.is_empty()).collect();
    assert!(again.iter().all(|record| {
        let names: Vec<&str> = record.headers.iter().map(|(name, _)| name.as_str()).collect();
        names == ["error", "onhand.redrive.group", "onhand.redrive.count"]
    }));

    let entries = audit_entries(&stack, &run).await;
    let letters: i64 = entries
        .iter()
        .map(|(_, detail)| detail["letters"].as_i64().unwrap())
        .sum();
    assert_eq!(letters, 2, "{entries:?}");
    assert!(
        entries
            .iter()
            .all(|(action, detail)| action == "redrive_dead_letters" && detail["topic"] == CACHE)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn f22_what_fails_again_counts_on_nests_nothing_and_stays_with_its_group() {
    let _turn = TURN.lock().await;
    let stack = Stack::from_env().unwrap();
    let unique = uuid::Uuid::now_v7().as_bytes().to_vec();
    let garbage = RawRecord {
        key: Some(unique.clone()),
        value: Some([vec![1], unique.clone()].concat()),
        headers: vec![("who".into(), b"a test".to_vec()), ("odd".into(), vec![0xff, 0, 0xfe])],
    };
    stack.produce(LEVELS, &garbage).await.unwrap();
    let letters = |topic: &'static str| {
        let (stack, value) = (stack.clone(), garbage.value.clone());
        move || -> anyhow::Result<Vec<RawRecord>> {
            Ok(stack
                .records(topic)?
                .into_iter()
                .filter(|letter| letter.value == value)
                .collect())
        }
    };
    let (in_cache, in_search) = (letters(CACHE), letters(SEARCH));
    eventually("both groups give it up", || async {
        Ok(in_cache()?.len() == 1 && in_search()?.len() == 1)
    })
    .await
    .unwrap();

    let hex: String = garbage
        .value
        .as_ref()
        .unwrap()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let find = |state: &str| -> Vec<String> {
        dlq(&[
            "show", "--topic", CACHE, "--state", state, "--since", "1h", "--limit", "100000",
        ])
        .into_iter()
        .filter(|letter| letter["value_hex"] == json!(hex))
        .map(|letter| letter["letter"].as_str().unwrap().to_owned())
        .collect()
    };
    let first = find("open");
    assert_eq!(first.len(), 1);
    assert_eq!(dlq(&["redrive", &first[0]])[0]["letters"], 1);
    eventually("the cache gives it up once more", || async {
        Ok(in_cache()?.len() == 2)
    })
    .await
    .unwrap();

    let of = |letter: &RawRecord, name: &str| -> Vec<String> {
        let found = letter.headers.iter().filter(|(header, _)| header == name);
        found
            .map(|(_, value)| String::from_utf8_lossy(value).into_owned())
            .collect()
    };
    let both = in_cache().unwrap();
    assert_eq!(of(&both[0], "retry_count"), ["0"]);
    assert_eq!(of(&both[1], "retry_count"), ["1"], "{:?}", both[1].headers);
    assert_eq!(both[1].key, garbage.key);
    assert_eq!(both[1].headers.len(), both[0].headers.len(), "no header is nested");
    assert_eq!(both[1].headers[..2], garbage.headers[..]);
    // The other group has read past it: its own letter is still the only one.
    let id = stack.stocked_item("FLOW-DLQ-AFTER", &["FLOW-W1"], 1).await.unwrap();
    eventually("the index goes on", || async {
        Ok(stack
            .document("onhand-stock", &format!("{id}:FLOW-W1"))
            .await?
            .is_some())
    })
    .await
    .unwrap();
    assert_eq!(in_search().unwrap().len(), 1);

    let second = find("open");
    assert_eq!(second.len(), 1, "the first is settled, the second open");
    assert_ne!(first, second);
    let note = uuid::Uuid::now_v7().to_string();
    assert_eq!(dlq(&["drop", &second[0], "--note", &note])[0]["letters"], 1);
    assert_eq!(dlq(&["drop", &second[0], "--note", &note])[0]["letters"], 0);
    assert_eq!(
        dlq(&["redrive", &second[0]])[0]["letters"],
        0,
        "what was dropped is not sent again"
    );
    assert_eq!(find("dropped"), second);
    assert_eq!(audit_entries(&stack, &note).await[0].0, "drop_dead_letters");
    assert_eq!(in_cache().unwrap().len(), 2);
}

#[test]
fn nonsense_is_refused_before_anything_is_done() {
    for (arguments, expected) in [
        (vec!["dlq", "redrive"], "--all"),
        (vec!["dlq", "drop", "--dry-run"], "--all"),
        (vec!["dlq", "redrive", "no-letter"], "topic/partition/offset"),
        (vec!["dlq", "list", "--offsets", "9..1"], "ends before it begins"),
        (
            vec!["dlq", "list", "--since", "yesterday"],
            "neither a time nor a duration",
        ),
        (vec!["dlq", "show", "a.dlq/0/1"], "no dead letter"),
    ] {
        let (code, text) = program(&arguments);
        assert!(code != 0 && text.contains(expected), "{arguments:?}: {code} {text}");
    }
}

/// Topics of this run alone, and so many letters in the one of them.
struct Many {
    original: String,
    dead: String,
}

impl Many {
    async fn make(stack: &Stack, count: u32) -> Self {
        let original = format!("flow.dlq.{}", uuid::Uuid::now_v7().simple());
        let dead = format!("{original}.onhand.cache.dlq");
        let config = || {
            let mut config = ClientConfig::new();
            config.set("bootstrap.servers", &stack.brokers);
            config
        };
        let admin: AdminClient<DefaultClientContext> = config().create().unwrap();
        let topics = [
            NewTopic::new(&original, 2, TopicReplication::Fixed(1)),
            NewTopic::new(&dead, 1, TopicReplication::Fixed(1)),
        ];
        admin.create_topics(&topics, &AdminOptions::new()).await.unwrap();
        let producer: ThreadedProducer<DefaultProducerContext> = config()
            .set("linger.ms", "20")
            .set("queue.buffering.max.messages", "1000000")
            .create()
            .unwrap();
        for n in 0..count {
            let headers = error_headers(&original, i32::try_from(n % 2).unwrap(), "onhand.cache", "many")
                .iter()
                .fold(OwnedHeaders::new(), |all, (key, value)| {
                    all.insert(Header {
                        key,
                        value: Some(value),
                    })
                });
            let key = n.to_be_bytes();
            let record = BaseRecord::to(&dead).key(&key[..]).payload(&key[..]).headers(headers);
            producer.send(record).map_err(|(error, _)| error).unwrap();
        }
        producer.flush(SETTLE).unwrap();
        Self { original, dead }
    }

    async fn remove(self, stack: &Stack) {
        let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
            .set("bootstrap.servers", &stack.brokers)
            .create()
            .unwrap();
        admin
            .delete_topics(&[&self.original, &self.dead], &AdminOptions::new())
            .await
            .unwrap();
    }
}

/// Most memory that a process has had, in MiB.
fn peak_mib(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? / 1024)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_letters_are_sent_again_once_each_although_the_program_is_killed() {
    const COUNT: u32 = 100_000;
    let _turn = TURN.lock().await;
    let stack = Stack::from_env().unwrap();
    let many = Many::make(&stack, COUNT).await;
    let start = || {
        Command::new(std::env::var("ONHAND_BIN").unwrap())
            .args(["dlq", "redrive", "--topic", &many.original])
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    };
    // Killed as soon as something has arrived, and begun again.
    let mut first = start();
    let deadline = Instant::now() + SETTLE;
    while stack.records(&many.original).unwrap().is_empty() {
        assert!(Instant::now() < deadline, "nothing is sent again");
    }
    first.kill().unwrap();
    first.wait().unwrap();

    let mut second = start();
    let mut peak = 0;
    let status = loop {
        peak = peak_mib(second.id()).unwrap_or(0).max(peak);
        if let Some(status) = second.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    assert!(status.success());
    assert!((1..200).contains(&peak), "{peak} MiB");

    let mut times: HashMap<Vec<u8>, u32> = HashMap::new();
    for record in stack.records(&many.original).unwrap() {
        *times.entry(record.value.unwrap()).or_default() += 1;
    }
    assert_eq!(times.len(), usize::try_from(COUNT).unwrap());
    assert!(times.values().all(|count| *count == 1));
    let listed = dlq(&["list", "--topic", &many.dead, "--state", "redriven", "--limit", "3"]);
    assert_eq!(listed.len(), 3);
    assert!(dlq(&["list", "--topic", &many.dead]).is_empty());
    many.remove(&stack).await;
}
