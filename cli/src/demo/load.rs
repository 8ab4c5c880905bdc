//! A short, realistic load over HTTP: carts that reserve, pay or give up, deliveries, moves between places.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::time::MissedTickBehavior;
use uuid::Uuid;

use super::latency::{self, Latencies};
use super::popularity::Popularity;
use super::progress::Step;
use super::stock::Stock;

/// Requests at a time; more than that and the rate is more than the machine can do.
const IN_FLIGHT: u32 = 64;
/// Reservations that may wait for their carts.
const OPEN_CARTS: usize = 2_000;
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// What is asked of the api.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Reserve,
    Confirm,
    Cancel,
    Add,
    Move,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Reserve => "reserve",
            Self::Confirm => "confirm",
            Self::Cancel => "cancel",
            Self::Add => "add",
            Self::Move => "move",
        }
    }

    /// Half of all requests open a cart, most carts are paid for.
    fn any(random: &mut impl Rng) -> Self {
        match random.random_range(0..100) {
            0..50 => Self::Reserve,
            50..78 => Self::Confirm,
            78..86 => Self::Cancel,
            86..95 => Self::Add,
            _ => Self::Move,
        }
    }
}

/// What came of it.
#[derive(Debug, Default)]
struct Results {
    latencies: BTreeMap<Kind, Latencies>,
    /// Refusals by a business rule.
    refused: u64,
    /// Anything else that is no success, with one example.
    failed: u64,
    example: Option<String>,
    carts: Vec<Uuid>,
}

/// How long and how fast.
#[derive(Debug, Clone, Copy)]
pub(super) struct Load {
    pub(super) seconds: u16,
    pub(super) per_second: u32,
}

/// Drives the load and prints what it came to.
pub(super) async fn drive(api: &str, stock: &Stock, load: Load) -> Result<()> {
    let http = reqwest::Client::builder().timeout(REQUEST_TIMEOUT).build()?;
    let results = Arc::new(Mutex::new(Results::default()));
    let slots = Arc::new(Semaphore::new(usize::try_from(IN_FLIGHT)?));
    let popularity = Popularity::new(stock.items.len());
    let mut random = StdRng::from_os_rng();
    let total = u32::from(load.seconds).saturating_mul(load.per_second);
    let step = Step::new("requests", usize::try_from(total)?);
    let mut clock = tokio::time::interval(Duration::from_secs(1) / load.per_second.max(1));
    // A late tick is made up for, so that the rate is what was asked for.
    clock.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let started = Instant::now();
    for _ in 0..total {
        clock.tick().await;
        let (kind, path, body) = request(stock, &popularity, &results, &mut random);
        let slot = Arc::clone(&slots).acquire_owned().await?;
        let request = http
            .post(format!("{api}{path}"))
            .header("Idempotency-Key", Uuid::new_v4().to_string())
            .json(&body);
        let results = Arc::clone(&results);
        tokio::spawn(async move {
            let began = Instant::now();
            let answer = answer(request).await;
            note(&results, kind, began.elapsed(), answer);
            drop(slot);
        });
        step.add(1);
    }
    let _all = slots.acquire_many(IN_FLIGHT).await?;
    let elapsed = started.elapsed();
    step.done();
    let results = results.lock().unwrap_or_else(PoisonError::into_inner);
    print(&results, total, elapsed)
}

/// The next request.
fn request(
    stock: &Stock,
    popularity: &Popularity,
    results: &Mutex<Results>,
    random: &mut StdRng,
) -> (Kind, String, Value) {
    let kind = Kind::any(random);
    let sku = |random: &mut StdRng| stock.items.get(popularity.next(random)).map(|(sku, _)| sku.clone());
    let place = |random: &mut StdRng| {
        stock
            .places
            .get(random.random_range(0..stock.places.len()))
            .map(|p| p.id.clone())
    };
    if matches!(kind, Kind::Confirm | Kind::Cancel) {
        let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
        if !results.carts.is_empty() {
            let position = random.random_range(0..results.carts.len());
            let cart = results.carts.swap_remove(position);
            return (kind, format!("/v1/reservations/{cart}/{}", kind.name()), json!({}));
        }
    }
    match kind {
        Kind::Add => {
            let body = json!({"sku": sku(random), "location": place(random), "quantity": random.random_range(5..60),
                "reason": "delivery"});
            (kind, "/v1/stock/add".to_owned(), body)
        }
        Kind::Move if stock.places.len() > 1 => {
            let from = place(random);
            let to = std::iter::repeat_with(|| place(random))
                .find(|to| *to != from)
                .flatten();
            let body = json!({"sku": sku(random), "from": from, "to": to, "quantity": random.random_range(1..5)});
            (kind, "/v1/stock/move".to_owned(), body)
        }
        // Also when there is no cart to close yet.
        _ => {
            let from = place(random);
            let lines: Vec<Value> = (0..random.random_range(1..4))
                .map(|_| json!({"sku": sku(random), "location": from, "quantity": random.random_range(1..4)}))
                .collect();
            (
                Kind::Reserve,
                "/v1/reservations".to_owned(),
                json!({"lines": lines, "owner": "demo"}),
            )
        }
    }
}

async fn answer(request: reqwest::RequestBuilder) -> Result<(u16, String), reqwest::Error> {
    let answer = request.send().await?;
    let status = answer.status().as_u16();
    Ok((status, answer.text().await?))
}

fn note(results: &Mutex<Results>, kind: Kind, latency: Duration, answer: Result<(u16, String), reqwest::Error>) {
    let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
    match answer {
        Ok((200..=299, body)) => {
            if let Ok(new) = Latencies::new() {
                results.latencies.entry(kind).or_insert(new).add(latency);
            }
            if kind == Kind::Reserve && results.carts.len() < OPEN_CARTS {
                let id = serde_json::from_str::<Value>(&body).ok();
                let id = id.and_then(|body| body.get("reservation_id")?.as_str()?.parse::<Uuid>().ok());
                results.carts.extend(id);
            }
        }
        Ok((409, _)) => results.refused = results.refused.saturating_add(1),
        other => {
            results.failed = results.failed.saturating_add(1);
            results.example.get_or_insert_with(|| match other {
                Ok((status, body)) => format!("{} answered {status}: {body}", kind.name()),
                Err(error) => format!("{}: {error}", kind.name()),
            });
        }
    }
}

fn print(results: &Results, total: u32, elapsed: Duration) -> Result<()> {
    let rows = results
        .latencies
        .iter()
        .map(|(kind, latencies)| (kind.name(), latencies));
    println!("{}", latency::table("request", rows));
    println!(
        "  {:.0} requests/s; {} refused because there was too little stock; {} failed",
        f64::from(total) / elapsed.as_secs_f64().max(0.001),
        results.refused,
        results.failed
    );
    if results.failed > 0 {
        bail!(
            "{} of {total} requests failed, for example: {}",
            results.failed,
            results.example.as_deref().unwrap_or("?")
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::goods;
    use super::*;

    fn stock(places: usize) -> Stock {
        let items = (0..50).map(|n| (goods::sku(n), Uuid::nil())).collect();
        Stock {
            items,
            places: goods::places(places),
            made: 0,
        }
    }

    #[test]
    fn requests_name_what_exists_and_moves_go_somewhere() {
        let (stock, popularity) = (stock(2), Popularity::new(50));
        let results = Mutex::new(Results {
            carts: vec![Uuid::nil(); 100],
            ..Results::default()
        });
        let mut random = StdRng::seed_from_u64(7);
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..500 {
            let (kind, path, body) = request(&stock, &popularity, &results, &mut random);
            seen.insert(kind);
            assert!(path.starts_with("/v1/"));
            assert!(!body.to_string().contains("null"), "{body}");
            if kind == Kind::Move {
                assert_ne!(body.get("from"), body.get("to"));
            }
        }
        assert_eq!(seen.len(), 5);
    }

    #[test]
    fn with_one_place_nothing_is_moved() {
        let (stock, popularity) = (stock(1), Popularity::new(50));
        let results = Mutex::new(Results::default());
        let mut random = StdRng::seed_from_u64(7);
        for _ in 0..200 {
            assert_ne!(request(&stock, &popularity, &results, &mut random).0, Kind::Move);
        }
    }
}
