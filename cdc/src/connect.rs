//! Client of the Kafka Connect REST interface: what an operator does with a connector.

use std::fmt;
use std::time::{Duration, Instant};

use reqwest::{Client, Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use crate::ConnectConfig;
use crate::http;

/// How often the state of a connector is asked for while waiting for it.
const POLL: Duration = Duration::from_millis(300);
/// A connector that was just applied may still show the failure of its former configuration.
const FAILED_GRACE: Duration = Duration::from_secs(5);
const TRACE_CHARS: usize = 2_000;

/// Connect did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// It cannot be reached, or answers too late.
    #[error("kafka connect is not available: {0}")]
    Unavailable(String),
    /// There is no connector of that name.
    #[error("connector '{0}' does not exist")]
    NotFound(String),
    /// It refuses the configuration or the request.
    #[error("kafka connect refuses ({status}): {answer}")]
    Rejected {
        /// HTTP status.
        status: u16,
        /// Its words.
        answer: String,
    },
    /// The connector or a task of it failed.
    #[error("connector '{name}' failed: {trace}")]
    Failed {
        /// The connector.
        name: String,
        /// Start of the trace that Connect kept.
        trace: String,
    },
    /// It does not fail and does not run either.
    #[error("connector '{name}' is not running after {waited:?}: {state}")]
    NotRunning {
        /// The connector.
        name: String,
        /// How long it was waited for.
        waited: Duration,
        /// What it says of itself.
        state: String,
    },
}

/// State of a connector or task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum State {
    /// At work.
    Running,
    /// Stopped by an operator, keeps its place.
    Paused,
    /// Stopped and released.
    Stopped,
    /// Not given to a worker yet.
    Unassigned,
    /// Being restarted.
    Restarting,
    /// Gave up.
    Failed,
    /// A word this client does not know.
    #[serde(other)]
    Unknown,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
            Self::Unassigned => "unassigned",
            Self::Restarting => "restarting",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        })
    }
}

/// State of one part of a connector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartStatus {
    /// Number of the task; zero for the connector itself.
    #[serde(default)]
    pub id: u32,
    /// State.
    pub state: State,
    /// Worker it runs on.
    #[serde(default)]
    pub worker_id: String,
    /// Why it failed.
    #[serde(default)]
    pub trace: Option<String>,
}

/// State of a connector and its tasks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectorStatus {
    /// Name.
    pub name: String,
    /// The connector.
    pub connector: PartStatus,
    /// Its tasks.
    #[serde(default)]
    pub tasks: Vec<PartStatus>,
}

impl ConnectorStatus {
    /// True if the connector and at least one task run, and nothing does not.
    pub fn is_running(&self) -> bool {
        self.connector.state == State::Running
            && !self.tasks.is_empty()
            && self.tasks.iter().all(|task| task.state == State::Running)
    }

    /// The trace of the first part that failed.
    pub fn failure(&self) -> Option<String> {
        std::iter::once(&self.connector)
            .chain(&self.tasks)
            .find(|part| part.state == State::Failed)
            .map(|part| {
                let trace = part.trace.as_deref().unwrap_or("no trace was kept");
                trace.chars().take(TRACE_CHARS).collect()
            })
    }
}

impl fmt::Display for ConnectorStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "connector {}", self.connector.state)?;
        for task in &self.tasks {
            write!(f, ", task {} {}", task.id, task.state)?;
        }
        Ok(())
    }
}

/// What [`Connector::apply`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// False if the connector had this configuration already.
    pub changed: bool,
    /// State at the end.
    pub status: ConnectorStatus,
}

/// One connector of a Connect cluster. Its connections are kept for the next request.
#[derive(Debug)]
pub struct Connector {
    http: Client,
    base: String,
    name: String,
    ready_timeout: Duration,
}

impl Connector {
    /// A connector, whether it exists or not. Nothing is asked.
    ///
    /// # Errors
    /// If no HTTP client can be made on this machine.
    pub fn new(config: &ConnectConfig, name: &str) -> Result<Self, ConnectError> {
        Ok(Self {
            http: http::client(config.timeout()).map_err(|error| ConnectError::Unavailable(error.to_string()))?,
            base: format!("{}/connectors/{name}", config.url.trim_end_matches('/')),
            name: name.to_owned(),
            ready_timeout: config.ready_timeout(),
        })
    }

    /// Gives it this configuration, if it does not have it, and waits until it and its tasks run. Tasks that had failed are
    /// restarted once.
    ///
    /// # Errors
    /// Connect does not take it, or it does not run in time.
    pub async fn apply(&self, wanted: &Map<String, Value>) -> Result<Applied, ConnectError> {
        let changed = self.current().await?.as_ref() != Some(&normal(&self.name, wanted));
        if changed {
            let body = Some(Value::Object(wanted.clone()));
            self.patient(Method::PUT, "/config", body.as_ref()).await?;
        }
        let status = self.wait_running().await?;
        Ok(Applied { changed, status })
    }

    /// Its state.
    ///
    /// # Errors
    /// Connect does not say.
    pub async fn status(&self) -> Result<ConnectorStatus, ConnectError> {
        parse(&self.call(Method::GET, "/status", None).await?)
    }

    /// Stops reading; the slot keeps its place (and its log).
    ///
    /// # Errors
    /// Connect does not take it.
    pub async fn pause(&self) -> Result<(), ConnectError> {
        self.call(Method::PUT, "/pause", None).await.map(drop)
    }

    /// Goes on after [`Self::pause`].
    ///
    /// # Errors
    /// Connect does not take it.
    pub async fn resume(&self) -> Result<(), ConnectError> {
        self.call(Method::PUT, "/resume", None).await.map(drop)
    }

    /// Restarts the connector and all its tasks.
    ///
    /// # Errors
    /// Connect does not take it.
    pub async fn restart(&self) -> Result<(), ConnectError> {
        self.restart_only(false).await
    }

    /// Restarts only what failed.
    ///
    /// # Errors
    /// Connect does not take it.
    pub async fn restart_failed(&self) -> Result<(), ConnectError> {
        self.restart_only(true).await
    }

    async fn restart_only(&self, failed: bool) -> Result<(), ConnectError> {
        let path = format!("/restart?includeTasks=true&onlyFailed={failed}");
        self.call(Method::POST, &path, None).await.map(drop)
    }

    /// Stops it and releases its task; its offsets can be changed then. Waits until it has stopped.
    ///
    /// # Errors
    /// Connect does not take it, or it does not stop in time.
    pub async fn stop(&self) -> Result<(), ConnectError> {
        self.patient(Method::PUT, "/stop", None).await?;
        let started = Instant::now();
        loop {
            let status = self.status().await;
            if let Ok(status) = &status
                && status.connector.state == State::Stopped
                && status.tasks.is_empty()
            {
                return Ok(());
            }
            if started.elapsed() > self.ready_timeout {
                return Err(self.not_running(started.elapsed(), status));
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Forgets how far it has read, once it is stopped. Its snapshot mode decides what it does then.
    ///
    /// # Errors
    /// Connect does not take it.
    pub async fn forget_offsets(&self) -> Result<(), ConnectError> {
        self.patient(Method::DELETE, "/offsets", None).await
    }

    /// Goes on after [`Self::stop`] and waits until it and its task run.
    ///
    /// # Errors
    /// Connect does not take it, or it does not run in time.
    pub async fn start(&self) -> Result<ConnectorStatus, ConnectError> {
        self.patient(Method::PUT, "/resume", None).await?;
        self.wait_running().await
    }

    /// Position in the write-ahead log up to which it has stored what it read; none if it has not begun.
    ///
    /// # Errors
    /// Connect does not say.
    pub async fn stored_lsn(&self) -> Result<Option<u64>, ConnectError> {
        let text = self.call(Method::GET, "/offsets", None).await?;
        let answer: Value = parse(&text)?;
        let lsns = answer
            .get("offsets")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.pointer("/offset/lsn").and_then(Value::as_u64));
        Ok(lsns.max())
    }

    /// Watches it until the token is cancelled: what has failed is restarted, after pauses that double from one interval up to a
    /// minute while it keeps failing. Kafka Connect by itself leaves a failed task as it is, for example one that met a
    /// registry that was away.
    pub async fn watch(&self, interval: Duration, token: CancellationToken) {
        let mut pause = interval;
        loop {
            tokio::select! {
                () = token.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
            pause = match self.status().await {
                Ok(found) => match found.failure() {
                    None => interval,
                    Some(reason) => {
                        tracing::warn!(connector.name = self.name, reason, "restarting what has failed");
                        if let Err(error) = self.restart_failed().await {
                            tracing::warn!(connector.name = self.name, %error, "the restart was not taken");
                        }
                        (pause * 2).min(Duration::from_secs(60))
                    }
                },
                Err(error) => {
                    tracing::warn!(connector.name = self.name, %error, "the state of the connector is not known");
                    interval
                }
            };
        }
    }

    async fn wait_running(&self) -> Result<ConnectorStatus, ConnectError> {
        let started = Instant::now();
        let mut restarted: Option<Instant> = None;
        loop {
            let status = self.status().await;
            if let Ok(status) = &status
                && status.is_running()
            {
                return Ok(status.clone());
            }
            if let Some(trace) = status.as_ref().ok().and_then(ConnectorStatus::failure) {
                match restarted {
                    None => match self.restart_failed().await {
                        Ok(()) => restarted = Some(Instant::now()),
                        // The worker is busy with a rebalance: the next round asks again.
                        Err(ConnectError::Unavailable(_)) => {}
                        Err(error) => return Err(error),
                    },
                    Some(at) if at.elapsed() > FAILED_GRACE => {
                        let name = self.name.clone();
                        return Err(ConnectError::Failed { name, trace });
                    }
                    Some(_) => {}
                }
            }
            if started.elapsed() > self.ready_timeout {
                return Err(self.not_running(started.elapsed(), status));
            }
            tokio::time::sleep(POLL).await;
        }
    }

    fn not_running(&self, waited: Duration, status: Result<ConnectorStatus, ConnectError>) -> ConnectError {
        match status {
            Ok(status) => ConnectError::NotRunning {
                name: self.name.clone(),
                waited,
                state: status.to_string(),
            },
            Err(error) => error,
        }
    }

    async fn current(&self) -> Result<Option<Map<String, Value>>, ConnectError> {
        match self.call(Method::GET, "/config", None).await {
            Ok(text) => parse(&text).map(Some),
            Err(ConnectError::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A request without an answer of interest; a worker that is busy with a rebalance is asked again.
    async fn patient(&self, method: Method, path: &str, body: Option<&Value>) -> Result<(), ConnectError> {
        let started = Instant::now();
        loop {
            match self.call(method.clone(), path, body).await {
                Ok(_) => return Ok(()),
                Err(ConnectError::Unavailable(_)) if started.elapsed() < self.ready_timeout => {
                    tokio::time::sleep(POLL).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<String, ConnectError> {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if let Some(body) = body {
            request = request.json(body);
        }
        let (status, text) = http::send(request)
            .await
            .map_err(|error| ConnectError::Unavailable(error.to_string()))?;
        classify(status, text, &self.name)
    }
}

/// Connect keeps every value as text and adds the name; compared as it keeps them.
fn normal(name: &str, wanted: &Map<String, Value>) -> Map<String, Value> {
    let mut normal: Map<String, Value> = wanted
        .iter()
        .map(|(key, value)| (key.clone(), Value::String(as_text(value))))
        .collect();
    normal.insert("name".to_owned(), Value::String(name.to_owned()));
    normal
}

fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// 409 is what a worker answers while the group rebalances: wait, not give up.
fn classify(status: StatusCode, text: String, name: &str) -> Result<String, ConnectError> {
    if status.is_success() {
        return Ok(text);
    }
    let answer: String = text.chars().take(TRACE_CHARS).collect();
    match status {
        StatusCode::NOT_FOUND => Err(ConnectError::NotFound(name.to_owned())),
        StatusCode::CONFLICT => Err(ConnectError::Unavailable(answer)),
        status if status.is_server_error() => Err(ConnectError::Unavailable(answer)),
        status => Err(ConnectError::Rejected {
            status: status.as_u16(),
            answer,
        }),
    }
}

fn parse<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, ConnectError> {
    serde_json::from_str(text).map_err(|error| ConnectError::Unavailable(format!("unreadable answer: {error}")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn status(connector: &str, tasks: &[&str]) -> ConnectorStatus {
        let tasks: Vec<Value> = tasks
            .iter()
            .map(|state| json!({"id": 0, "state": state, "worker_id": "w", "trace": "boom"}))
            .collect();
        serde_json::from_value(json!({
            "name": "onhand",
            "connector": {"state": connector, "worker_id": "w"},
            "tasks": tasks,
            "type": "source"
        }))
        .unwrap()
    }

    #[test]
    fn running_means_connector_and_every_task_and_at_least_one() {
        assert!(status("RUNNING", &["RUNNING"]).is_running());
        assert!(!status("RUNNING", &[]).is_running());
        assert!(!status("RUNNING", &["FAILED"]).is_running());
        assert!(!status("PAUSED", &["PAUSED"]).is_running());
        assert!(!status("SOMETHING_NEW", &["RUNNING"]).is_running());
    }

    #[test]
    fn a_failed_task_shows_its_trace() {
        assert_eq!(status("RUNNING", &["FAILED"]).failure().as_deref(), Some("boom"));
        assert_eq!(status("RUNNING", &["RUNNING"]).failure(), None);
    }

    #[test]
    fn numbers_and_booleans_equal_the_text_that_connect_keeps() {
        let wanted = json!({"tasks.max": 1, "a": true, "b": "x"});
        let kept = json!({"tasks.max": "1", "a": "true", "b": "x", "name": "onhand"});
        assert_eq!(
            &normal("onhand", wanted.as_object().unwrap()),
            kept.as_object().unwrap()
        );
    }

    #[test]
    fn a_rebalancing_worker_is_not_a_refusal() {
        let busy = classify(StatusCode::CONFLICT, "rebalance".to_owned(), "onhand");
        assert!(matches!(busy, Err(ConnectError::Unavailable(_))));
        let refused = classify(StatusCode::BAD_REQUEST, "no".to_owned(), "onhand");
        assert!(matches!(refused, Err(ConnectError::Rejected { .. })));
    }
}
