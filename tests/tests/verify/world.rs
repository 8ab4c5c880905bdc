//! Items of a test, what the stores hold of them, and writes that go on meanwhile.

use anyhow::{Context, Result, ensure};
use onhand_tests::stack::{Stack, program};
use rand::Rng;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio_postgres::{Client, NoTls};

/// Tests share the stack.
pub(crate) static ONE_AT_A_TIME: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Locations of every item.
pub(crate) const LOCATIONS: [&str; 2] = ["VERIFY-W1", "VERIFY-W2"];

/// A session of the application's login.
pub(crate) async fn session(stack: &Stack) -> Client {
    let (client, connection) = tokio_postgres::connect(&stack.database, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// A session of the superuser.
pub(crate) async fn superuser() -> Client {
    let of = |name: &str| {
        std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run these tests with ./onhand test"))
    };
    let mut config = tokio_postgres::Config::new();
    config
        .host(of("PGHOST"))
        .port(of("PGPORT").parse().unwrap())
        .user(of("PGUSER"))
        .password(of("PGPASSWORD"))
        .dbname(of("PGDATABASE"));
    let (client, connection) = config.connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Items with stock at each location, as ids by sku. Each level has version 2 or more.
pub(crate) async fn make_items(client: &Client, prefix: &str, count: usize) -> BTreeMap<String, String> {
    let run = uuid::Uuid::now_v7().simple().to_string();
    let skus: Vec<String> = (0..count).map(|n| format!("{prefix}-{}-{n:04}", &run[20..])).collect();
    let locations: Vec<Value> = LOCATIONS.iter().map(|id| json!({"id": id})).collect();
    client
        .query("select from api.upsert_locations($1)", &[&Value::from(locations)])
        .await
        .unwrap();
    for chunk in skus.chunks(200) {
        let items: Vec<Value> = chunk
            .iter()
            .map(|sku| json!({"sku": sku, "name": format!("Item {sku}"), "tags": ["verify"], "metadata": {"colour": "blue"}}))
            .collect();
        client
            .query("select from api.upsert_items($1)", &[&Value::from(items)])
            .await
            .unwrap();
        for (op, quantity) in [("add", 40), ("remove", 3)] {
            let commands: Vec<Value> = chunk
                .iter()
                .flat_map(|sku| LOCATIONS.map(|location| (sku, location)))
                .map(|(sku, location)| json!({"op": op, "sku": sku, "location": location, "quantity": quantity}))
                .collect();
            apply(client, commands).await.unwrap();
        }
    }
    let rows = superuser()
        .await
        .query("select sku, id::text from inventory.item where sku = any($1)", &[&skus])
        .await
        .unwrap();
    let items: BTreeMap<String, String> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(items.len(), count);
    items
}

/// Applies commands; fails if one was refused.
pub(crate) async fn apply(client: &Client, commands: Vec<Value>) -> Result<()> {
    let rows = client
        .query(
            "select coalesce(code, outcome) from api.apply_commands($1, 'verify-tests')",
            &[&Value::from(commands)],
        )
        .await?;
    for row in rows {
        let outcome: String = row.get(0);
        ensure!(outcome == "applied", "{outcome}");
    }
    Ok(())
}

/// Writers that go on until they are told to stop.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    written: Arc<AtomicU64>,
    tasks: Vec<tokio::task::JoinHandle<Result<()>>>,
}

impl Load {
    /// Two writers with batches of twenty commands on these skus, some hundred commands a second.
    pub(crate) async fn start(stack: &Stack, skus: Vec<String>) -> Self {
        let (stop, written) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let mut tasks = Vec::new();
        for _ in 0..2 {
            let client = session(stack).await;
            let (stop, written, skus) = (Arc::clone(&stop), Arc::clone(&written), skus.clone());
            tasks.push(tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let commands = (0..20).map(|_| command(&skus)).collect();
                    apply(&client, commands).await?;
                    written.fetch_add(20, Ordering::Relaxed);
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
                Ok(())
            }));
        }
        Self { stop, written, tasks }
    }

    pub(crate) fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    pub(crate) async fn end(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.unwrap().unwrap();
        }
        self.written.load(Ordering::Relaxed)
    }
}

fn command(skus: &[String]) -> Value {
    let mut random = rand::rng();
    let sku = &skus[random.random_range(0..skus.len())];
    let location = LOCATIONS[random.random_range(0..LOCATIONS.len())];
    json!({"op": "add", "sku": sku, "location": location, "quantity": random.random_range(1..9)})
}

/// The program, beside what the test goes on doing.
pub(crate) async fn run(arguments: &[&str]) -> (i32, String) {
    let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    tokio::task::spawn_blocking(move || {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        program(&arguments)
    })
    .await
    .unwrap()
}

/// Runs `onhand verify` and reads its JSON.
pub(crate) async fn verify(more: &[&str]) -> (i32, Value) {
    let (code, text) = run(&[&["verify", "--format", "json", "--wait", "120"], more].concat()).await;
    // What libraries say on standard error comes after it.
    let start = text.find('{').unwrap_or(0);
    let report = serde_json::Deserializer::from_str(&text[start..]).into_iter().next();
    let report = report.and_then(Result::ok).unwrap_or_else(|| panic!("{code}: {text}"));
    (code, report)
}

/// Fails unless all is equal and known.
pub(crate) async fn assert_equal() {
    let (code, report) = verify(&[]).await;
    assert_eq!(code, 0, "{report:#}");
    assert_eq!(report["differences"], json!([]));
}

/// Search engine, spoken to directly.
#[derive(Clone)]
pub(crate) struct Elastic {
    http: reqwest::Client,
    base: String,
}

impl Elastic {
    pub(crate) fn new(stack: &Stack) -> Self {
        Self {
            http: reqwest::Client::new(),
            base: stack.elasticsearch.clone(),
        }
    }

    /// A request that must succeed.
    pub(crate) async fn call(&self, method: reqwest::Method, path: &str, body: Value) -> Result<Value> {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if !body.is_null() {
            request = request.json(&body);
        }
        let answer = request.send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        ensure!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).with_context(|| text.clone())
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Result<Value> {
        self.call(reqwest::Method::POST, path, body).await
    }

    /// A bulk of which every line must be accepted.
    pub(crate) async fn bulk(&self, lines: &[Value]) -> Result<()> {
        let body: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let answer = self
            .http
            .post(format!("{}/_bulk", self.base))
            .header("content-type", "application/x-ndjson")
            .body(body)
            .send()
            .await?;
        let answer: Value = serde_json::from_str(&answer.text().await?)?;
        ensure!(answer["errors"] == json!(false), "{answer}");
        Ok(())
    }

    /// Version and source of documents, by id; those that are remembered as deleted are left out.
    pub(crate) async fn documents(&self, index: &str, ids: &[String]) -> BTreeMap<String, (i64, Value)> {
        let mut documents = BTreeMap::new();
        for chunk in ids.chunks(500) {
            let answer = self
                .post(&format!("/{index}/_mget"), json!({"ids": chunk}))
                .await
                .unwrap();
            for found in answer["docs"].as_array().unwrap() {
                if found["found"] == json!(true) && found["_source"]["deleted"] != json!(true) {
                    let id = found["_id"].as_str().unwrap().to_owned();
                    documents.insert(id, (found["_version"].as_i64().unwrap(), found["_source"].clone()));
                }
            }
        }
        documents
    }
}

/// Hashes of items as they are.
pub(crate) async fn hashes(stack: &Stack, items: &[String]) -> BTreeMap<String, HashMap<String, String>> {
    let mut connection = stack.redis().await.unwrap();
    let mut found = BTreeMap::new();
    for item in items {
        let hash: HashMap<String, String> = redis::cmd("HGETALL")
            .arg(key(item))
            .query_async(&mut connection)
            .await
            .unwrap();
        found.insert(item.clone(), hash);
    }
    found
}

/// The key of an item's hash.
pub(crate) fn key(item: &str) -> String {
    format!("catalog:stock:{{{item}}}")
}

/// A number that a part of the stack tells under `/metrics`: the sum of all series whose line starts with these words.
pub(crate) async fn metric(port_offset: u16, name: &str, labels: &[&str]) -> f64 {
    let prefix = std::env::var("ONHAND_PORT_PREFIX").unwrap();
    let url = format!("http://127.0.0.1:{prefix}{port_offset:03}/metrics");
    let text = reqwest::get(url).await.unwrap().text().await.unwrap();
    text.lines()
        .filter(|line| line.starts_with(&format!("{name}{{")) || line.starts_with(&format!("{name} ")))
        .filter(|line| labels.iter().all(|label| line.contains(label)))
        .map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap())
        .sum()
}
