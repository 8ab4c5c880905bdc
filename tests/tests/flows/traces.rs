//! One trace from the request to the read model, and what each hop takes.

use std::process::{Child, Command};
use std::time::Duration;

use onhand_tests::otlp::{Collector, Span};
use onhand_tests::stack::{Stack, eventually, program};
use reqwest::Method;
use serde_json::json;

/// A role of the product that sends its spans to a collector; it is told to stop when this is dropped.
struct Role {
    child: Child,
    address: String,
}

impl Role {
    fn start(arguments: &[&str], listen: &str, settings: &[(&str, &str)]) -> Self {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap().to_string();
        drop(free);
        let child = Command::new(std::env::var("ONHAND_BIN").unwrap())
            .args(arguments)
            .env(listen, &address)
            .env("OTEL_BSP_SCHEDULE_DELAY", "100")
            .envs(settings.iter().copied())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        Self { child, address }
    }

    async fn ready(&self) {
        eventually("the role is ready", || async {
            let answer = reqwest::get(format!("http://{}/ready", self.address)).await?;
            Ok(answer.status().is_success())
        })
        .await
        .unwrap();
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        let pid = self.child.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &pid]).status();
        let _ = self.child.wait();
    }
}

fn named<'a>(spans: &'a [Span], name: &str) -> Option<&'a Span> {
    spans.iter().find(|span| span.name == name)
}

async fn traceparent_in_ledger(stack: &Stack, correlation: &str) -> Option<String> {
    let (client, connection) = tokio_postgres::connect(&stack.database, tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    let query = "select m.traceparent from inventory.stock_movement as m where m.correlation_id = $1";
    client.query_one(query, &[&correlation]).await.unwrap().get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_trace_shows_api_database_capture_topic_consumer_and_sink() {
    let stack = Stack::from_env().unwrap();
    stack.stocked_item("TRACE-1", &["TRACE-W1"], 5).await.unwrap();
    let collector = Collector::start().await.unwrap();
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint.as_str());
    let api = Role::start(
        &["api"],
        "ONHAND_API__LISTEN",
        &[
            endpoint,
            ("ONHAND_API__METRICS_LISTEN", "127.0.0.1:0"),
            ("ONHAND_API__UPKEEP__ENABLED", "false"),
        ],
    );
    // A cache of its own, beside the stack's.
    let cache = Role::start(
        &["consume", "cache"],
        "ONHAND_RUNTIME__METRICS_LISTEN",
        &[
            endpoint,
            ("ONHAND_RUNTIME__GROUP_ID", "onhand.trace-test"),
            ("ONHAND_REDIS__KEY_PREFIX", "trace-test:"),
        ],
    );
    api.ready().await;
    cache.ready().await;
    let mut traced = stack.clone();
    traced.api = format!("http://{}", api.address);

    let path = "/v1/stock/add";
    let body = json!({"sku": "TRACE-1", "location": "TRACE-W1", "quantity": 1});
    let mut found = None;
    // The consumer follows the ledger from the moment it got there: a write before that has no end to its trace.
    for _ in 0..10 {
        let (trace, caller) = (uuid::Uuid::new_v4().simple().to_string(), "00f067aa0ba902b7");
        let traceparent = format!("00-{trace}-{caller}-01");
        let headers = [
            ("traceparent", traceparent.as_str()),
            ("x-correlation-id", trace.as_str()),
        ];
        let (status, _, answer) = traced.call(Method::POST, path, &headers, Some(&body)).await.unwrap();
        assert_eq!(status, 200, "{answer}");
        let waited = tokio::time::timeout(Duration::from_secs(10), async {
            while named(&collector.trace(&trace), "cache write").is_none() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        if waited.await.is_ok() {
            // The other spans of the same moment come with the next batch of their process.
            eventually("all spans are there", || async {
                Ok(collector.trace(&trace).len() >= 6)
            })
            .await
            .unwrap();
            found = Some((trace, caller));
            break;
        }
    }
    let (trace, caller) = found.expect("no trace came to its end");
    let spans = collector.trace(&trace);
    let topic = "onhand.inventory.stock_level";
    let chain = [
        ("onhand-api", "POST /v1/stock/add".to_owned()),
        ("onhand-api", "api.apply_commands".to_owned()),
        ("onhand-cache", "debezium capture".to_owned()),
        ("onhand-cache", format!("send {topic}")),
        ("onhand-cache", format!("process {topic}")),
        ("onhand-cache", "cache write".to_owned()),
    ];
    let (mut parent, mut started) = (caller.to_owned(), 0);
    for (service, name) in &chain {
        let span = named(&spans, name).unwrap_or_else(|| panic!("no span {name}: {spans:#?}"));
        assert_eq!((span.service.as_str(), &span.parent), (*service, &parent), "{span:?}");
        assert!(span.start >= started && span.end >= span.start, "{span:?}");
        (parent, started) = (span.id.clone(), span.start);
    }
    assert_eq!(spans.len(), chain.len(), "{spans:#?}");
    let kept = traceparent_in_ledger(&stack, &trace).await.unwrap();
    let database = named(&spans, "api.apply_commands").unwrap();
    assert_eq!(
        kept,
        format!("00-{trace}-{}-01", database.id),
        "the ledger leads on from the commit"
    );

    // What the caller does not record is recorded nowhere.
    let silent = uuid::Uuid::new_v4().simple().to_string();
    let traceparent = format!("00-{silent}-{caller}-00");
    let headers = [("traceparent", traceparent.as_str())];
    traced.call(Method::POST, path, &headers, Some(&body)).await.unwrap();
    drop((api, cache));
    assert_eq!(
        collector.trace(&silent),
        [],
        "a process sends all it has before it ends"
    );
    assert_eq!(collector.trace(&trace).len(), chain.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_collector_the_callers_context_goes_into_the_ledger_as_it_is() {
    let stack = Stack::from_env().unwrap();
    stack.stocked_item("TRACE-2", &["TRACE-W1"], 5).await.unwrap();
    let trace = uuid::Uuid::new_v4().simple().to_string();
    let traceparent = format!("00-{trace}-00f067aa0ba902b7-01");
    let headers = [
        ("traceparent", traceparent.as_str()),
        ("x-correlation-id", trace.as_str()),
    ];
    let body = json!({"sku": "TRACE-2", "location": "TRACE-W1", "quantity": 1});
    stack
        .call(Method::POST, "/v1/stock/add", &headers, Some(&body))
        .await
        .unwrap();
    assert_eq!(traceparent_in_ledger(&stack, &trace).await, Some(traceparent));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_stage_is_measured_and_status_shows_it() {
    let stack = Stack::from_env().unwrap();
    let prefix = std::env::var("ONHAND_PORT_PREFIX").unwrap();
    let id = stack.stocked_item("TRACE-3", &["TRACE-W1"], 5).await.unwrap();
    eventually("Redis has the item", || async {
        Ok(stack.cached_version(&id, "TRACE-W1").await? > 0)
    })
    .await
    .unwrap();
    let metrics = reqwest::get(format!("http://127.0.0.1:{prefix}094/metrics"))
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let count = |stage: &str| -> f64 {
        let name = format!("onhand_consumer_stage_seconds_count{{sink=\"cache\",stage=\"{stage}\"}} ");
        let line = metrics.lines().find_map(|line| line.strip_prefix(&name));
        line.unwrap_or_else(|| panic!("no {name}")).parse().unwrap()
    };
    for stage in ["capture", "publish", "fetch", "queue", "write"] {
        assert!(count(stage) > 0.0, "{stage}");
    }
    eventually("the slot is measured", || async {
        let metrics = reqwest::get(format!("http://127.0.0.1:{prefix}090/metrics"))
            .await?
            .text()
            .await?;
        Ok(metrics.contains("onhand_replication_slot_lag_bytes{slot=\"onhand_debezium\"}"))
    })
    .await
    .unwrap();
    let (code, text) = program(&["status"]);
    assert_eq!(code, 0, "{text}");
    for wanted in [
        "commit -> Debezium",
        "batch -> sink",
        "records behind",
        "CACHE",
        "SEARCH",
        "slot onhand_debezium: ",
    ] {
        assert!(text.contains(wanted), "{wanted} is not in\n{text}");
    }
}
