//! The running stack that the flow tests use: its addresses, and what the tests ask of each part.

use crate::kafka::{RawRecord, Sender, Tail};
use anyhow::{Context, Result, bail, ensure};
use redis::aio::MultiplexedConnection;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::future::Future;
use std::time::{Duration, Instant};

/// How long a change may take to reach every read model before a test calls it lost. Generous: the machines are shared.
pub const SETTLE: Duration = Duration::from_secs(60);

/// Addresses of the stack, from the lines that `onhand env` prints.
#[derive(Debug, Clone)]
pub struct Stack {
    /// Base address of the HTTP interface.
    pub api: String,
    /// Kafka brokers.
    pub brokers: String,
    /// Redis.
    pub redis: String,
    /// Elasticsearch.
    pub elasticsearch: String,
    /// Connection string of the application login.
    pub database: String,
    /// State folder.
    pub state: String,
    http: reqwest::Client,
}

fn variable(name: &str) -> Result<String> {
    std::env::var(name).with_context(|| format!("{name} is not set: run these tests with ./onhand test"))
}

impl Stack {
    /// The stack that the environment names.
    ///
    /// # Errors
    /// Names the variable that is missing.
    pub fn from_env() -> Result<Self> {
        Ok(Self {
            api: variable("ONHAND_API_URL")?,
            brokers: variable("ONHAND_KAFKA__BROKERS")?,
            redis: variable("ONHAND_REDIS__URL")?,
            elasticsearch: variable("ONHAND_ELASTICSEARCH__URL")?,
            database: variable("ONHAND_DATABASE__URL")?,
            state: variable("ONHAND_STATE")?,
            http: reqwest::Client::builder().timeout(Duration::from_secs(30)).build()?,
        })
    }

    /// Sends a request and returns status, headers and body (JSON, or null where there is none).
    ///
    /// # Errors
    /// If no answer came.
    pub async fn call(
        &self,
        method: reqwest::Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<(u16, HashMap<String, String>, Value)> {
        let mut request = self.http.request(method, format!("{}{path}", self.api));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await?;
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        let text = response.text().await?;
        Ok((status, headers, serde_json::from_str(&text).unwrap_or(Value::Null)))
    }

    /// POST of JSON; fails unless it is answered with a success.
    ///
    /// # Errors
    /// If it was refused, with what was answered.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let (status, _, answer) = self.call(reqwest::Method::POST, path, &[], Some(body)).await?;
        ensure!((200..300).contains(&status), "POST {path} {body}: {status} {answer}");
        Ok(answer)
    }

    /// GET of JSON; fails unless it is answered with a success.
    ///
    /// # Errors
    /// If it was refused, with what was answered.
    pub async fn get(&self, path: &str) -> Result<Value> {
        let (status, _, answer) = self.call(reqwest::Method::GET, path, &[], None).await?;
        ensure!((200..300).contains(&status), "GET {path}: {status} {answer}");
        Ok(answer)
    }

    /// POST of raw bytes, for bodies that are no JSON.
    ///
    /// # Errors
    /// If no answer came.
    pub async fn post_raw(&self, path: &str, content_type: &str, body: Vec<u8>) -> Result<(u16, Value)> {
        let response = self
            .http
            .post(format!("{}{path}", self.api))
            .header("content-type", content_type)
            .body(body)
            .send()
            .await?;
        let status = response.status().as_u16();
        Ok((
            status,
            serde_json::from_str(&response.text().await?).unwrap_or(Value::Null),
        ))
    }

    /// Makes an item and its locations, and receives `quantity` at each location. Returns the item's id.
    ///
    /// # Errors
    /// If one of the writes was refused.
    pub async fn stocked_item(&self, sku: &str, locations: &[&str], quantity: i64) -> Result<String> {
        for location in locations {
            self.put(&format!("/v1/locations/{location}"), &json!({"name": location}))
                .await?;
        }
        let item = self
            .put(&format!("/v1/items/{sku}"), &json!({"name": format!("Item {sku}")}))
            .await?;
        for location in locations {
            self.post(
                "/v1/stock/add",
                &json!({"sku": sku, "location": location, "quantity": quantity}),
            )
            .await?;
        }
        Ok(item
            .get("id")
            .and_then(Value::as_str)
            .context("an item without id")?
            .to_owned())
    }

    /// PUT of JSON; fails unless it is answered with a success.
    ///
    /// # Errors
    /// If it was refused, with what was answered.
    pub async fn put(&self, path: &str, body: &Value) -> Result<Value> {
        let (status, _, answer) = self.call(reqwest::Method::PUT, path, &[], Some(body)).await?;
        ensure!((200..300).contains(&status), "PUT {path} {body}: {status} {answer}");
        Ok(answer)
    }

    /// A connection to Redis.
    ///
    /// # Errors
    /// If it cannot be reached.
    pub async fn redis(&self) -> Result<MultiplexedConnection> {
        Ok(redis::Client::open(self.redis.as_str())?
            .get_multiplexed_async_connection()
            .await?)
    }

    /// The hash of an item in Redis.
    ///
    /// # Errors
    /// If Redis cannot be reached.
    pub async fn cached(&self, item_id: &str) -> Result<HashMap<String, String>> {
        let mut connection = self.redis().await?;
        Ok(redis::cmd("HGETALL")
            .arg(format!("catalog:stock:{{{item_id}}}"))
            .query_async(&mut connection)
            .await?)
    }

    /// Version of a location's row in Redis, 0 if it has none.
    ///
    /// # Errors
    /// If Redis cannot be reached or the row does not start with a number.
    pub async fn cached_version(&self, item_id: &str, location: &str) -> Result<i64> {
        match self.cached(item_id).await?.get(&format!("row:{location}")) {
            None => Ok(0),
            Some(row) => Ok(row.split(' ').next().unwrap_or_default().parse()?),
        }
    }

    /// A document of Elasticsearch with its version (`None` if there is none), read in real time.
    ///
    /// # Errors
    /// If Elasticsearch cannot be reached.
    pub async fn document(&self, index: &str, id: &str) -> Result<Option<(i64, Value)>> {
        let url = format!("{}/{index}/_doc/{id}", self.elasticsearch);
        let answer: Value = self.http.get(url).send().await?.json().await?;
        if answer.get("found").and_then(Value::as_bool) != Some(true) {
            return Ok(None);
        }
        let version = answer
            .get("_version")
            .and_then(Value::as_i64)
            .context("a document without version")?;
        Ok(Some((version, answer.get("_source").cloned().unwrap_or(Value::Null))))
    }

    /// All records that stand in a topic now.
    ///
    /// # Errors
    /// If Kafka cannot be reached or the records do not come within [`SETTLE`].
    pub fn records(&self, topic: &str) -> Result<Vec<RawRecord>> {
        Tail::new(&self.brokers, topic).read()
    }

    /// Appends a record to a topic, byte for byte.
    ///
    /// # Errors
    /// If Kafka does not confirm it.
    pub async fn produce(&self, topic: &str, record: &RawRecord) -> Result<()> {
        self.produce_all(topic, std::slice::from_ref(record)).await
    }

    /// Appends records to a topic in this order, byte for byte.
    ///
    /// # Errors
    /// If Kafka does not confirm one of them.
    pub async fn produce_all(&self, topic: &str, records: &[RawRecord]) -> Result<()> {
        Sender::new(&self.brokers)?.send(topic, records).await
    }
}

/// Waits until `check` says yes, asking again and again; fails with `what` after [`SETTLE`].
///
/// # Errors
/// If the condition does not come true in time, with the last error of the check if it had one.
pub async fn eventually<F, Fut>(what: &str, mut check: F) -> Result<()>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<bool>>,
{
    let deadline = Instant::now() + SETTLE;
    loop {
        let outcome = check().await;
        if matches!(outcome, Ok(true)) {
            return Ok(());
        }
        if Instant::now() >= deadline {
            match outcome {
                Err(error) => return Err(error.context(format!("not within {SETTLE:?}: {what}"))),
                Ok(_) => bail!("not within {SETTLE:?}: {what}"),
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Runs the program against the stack of the environment. Returns its exit code and all that it printed.
///
/// # Panics
/// If the program cannot be started.
#[must_use]
#[expect(clippy::expect_used, reason = "without the program no test of it can go on")]
pub fn program(arguments: &[&str]) -> (i32, String) {
    let path = std::env::var("ONHAND_BIN").expect("ONHAND_BIN is not set: run these tests with ./onhand test");
    let output = std::process::Command::new(path)
        .args(arguments)
        .output()
        .expect("the program cannot be started");
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    (output.status.code().unwrap_or(-1), text)
}
