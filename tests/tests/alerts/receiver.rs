//! A receiver of alerts: a real HTTP server that notes what it is told and answers as badly as it is asked to.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use std::collections::{BTreeMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// With this status.
    Answers(u16),
    /// Never.
    Stalls,
    /// It has the message, and answers 500 the first time that it sees its id: so each comes twice.
    Doubts,
    /// With 500 for so many requests, then with 200.
    FailsFirst(usize),
    /// With 302 to an address that it would like to be called at.
    Redirects,
}

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) raw: String,
    pub(crate) body: Value,
    /// What it was answered; none if it never was.
    pub(crate) status: Option<u16>,
}

impl Told {
    pub(crate) fn id(&self) -> &str {
        &self.headers["webhook-id"]
    }
}

#[derive(Debug)]
struct Shared {
    manner: Mutex<Manner>,
    told: Mutex<Vec<Told>>,
    ids: Mutex<HashSet<String>>,
}

/// The server. Ends with the runtime of its test.
#[derive(Debug, Clone)]
pub(crate) struct Receiver {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Receiver {
    pub(crate) async fn start(manner: Manner) -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap(), manner).await
    }

    pub(crate) async fn start_at(address: SocketAddr, manner: Manner) -> Self {
        let shared = Arc::new(Shared {
            manner: Mutex::new(manner),
            told: Mutex::default(),
            ids: Mutex::default(),
        });
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(take).with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, shared }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn becomes(&self, manner: Manner) {
        *self.shared.manner.lock().unwrap() = manner;
    }

    /// All requests so far.
    pub(crate) fn told(&self) -> Vec<Told> {
        self.shared.told.lock().unwrap().clone()
    }

    /// Messages about this alert that it has taken, in their order, each once however often it came.
    pub(crate) fn taken(&self, fingerprint: &str) -> Vec<Told> {
        let mut seen = HashSet::new();
        self.told()
            .into_iter()
            .filter(|told| told.body["data"]["fingerprint"] == fingerprint && told.status == Some(200))
            .filter(|told| seen.insert(told.id().to_owned()))
            .collect()
    }

    /// Which edges of this alert it has taken: their types in order.
    pub(crate) fn edges(&self, fingerprint: &str) -> Vec<String> {
        self.taken(fingerprint)
            .iter()
            .map(|told| told.body["type"].as_str().unwrap().to_owned())
            .collect()
    }
}

async fn take(State(shared): State<Arc<Shared>>, uri: Uri, headers: HeaderMap, body: Bytes) -> (StatusCode, HeaderMap) {
    let raw = String::from_utf8(body.to_vec()).unwrap();
    let headers: BTreeMap<String, String> = headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    let manner = *shared.manner.lock().unwrap();
    let status = answer(&shared, manner, headers.get("webhook-id"));
    shared.told.lock().unwrap().push(Told {
        path: uri.path().to_owned(),
        headers,
        body: serde_json::from_str(&raw).unwrap(),
        raw,
        status,
    });
    let Some(status) = status else {
        tokio::time::sleep(Duration::from_secs(3_600)).await;
        return (StatusCode::OK, HeaderMap::new());
    };
    let mut answer = HeaderMap::new();
    if manner == Manner::Redirects {
        answer.insert("location", "/elsewhere".parse().unwrap());
    }
    (StatusCode::from_u16(status).unwrap(), answer)
}

fn answer(shared: &Shared, manner: Manner, id: Option<&String>) -> Option<u16> {
    match manner {
        Manner::Answers(status) => Some(status),
        Manner::Stalls => None,
        Manner::Redirects => Some(302),
        Manner::Doubts => {
            let first = shared.ids.lock().unwrap().insert(id.cloned().unwrap_or_default());
            Some(if first { 500 } else { 200 })
        }
        Manner::FailsFirst(left) => {
            if left == 0 {
                return Some(200);
            }
            *shared.manner.lock().unwrap() = Manner::FailsFirst(left - 1);
            Some(500)
        }
    }
}

/// Checks a signature as a receiver does, after the specification.
pub(crate) fn is_signed(told: &Told, secret: &str) -> bool {
    let key = STANDARD.decode(secret.trim_start_matches("whsec_")).unwrap();
    let (id, timestamp) = (told.id(), &told.headers["webhook-timestamp"]);
    let age = jiff::Timestamp::now().as_second() - timestamp.parse::<i64>().unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{id}.{timestamp}.{}", told.raw).as_bytes());
    let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    told.headers["webhook-signature"] == expected && (0..300).contains(&age)
}
