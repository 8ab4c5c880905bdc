//! Random histories: many clients, commands of every kind, batches with overlapping keys; then every invariant.

use super::{apply, assert_no_deadlock, assert_sound, clients, make_catalogue, test};
use anyhow::{Result, ensure};
use onhand_tests::database::Database;
use onhand_tests::suite::Body;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use uuid::Uuid;

pub(super) fn all() -> Vec<(String, Body)> {
    vec![
        test("batches_with_overlapping_keys_never_deadlock", overlapping_batches),
        test(
            "batches_that_close_the_same_holds_close_each_once",
            overlapping_closings,
        ),
        test("f06_f07_random_history_keeps_every_invariant", random_history),
    ]
}

const SKUS: [&str; 5] = ["A", "B", "C", "D", "E"];
const LOCATIONS: [&str; 3] = ["W1", "W2", "W3"];
/// What a command may be refused with here; anything else is a fault.
const REFUSALS: [&str; 8] = [
    "applied", "replayed", "IV001", "IV002", "IV005", "IV006", "IV007", "IV009",
];

async fn overlapping_batches(database: Arc<Database>) -> Result<()> {
    let admin = database.client().await?;
    make_catalogue(&admin).await?;
    let everywhere: Vec<(&str, &str)> = SKUS
        .iter()
        .flat_map(|sku| LOCATIONS.iter().map(move |at| (*sku, *at)))
        .collect();
    let stock: Vec<Value> = everywhere
        .iter()
        .map(|(sku, at)| json!({"op": "add", "sku": sku, "location": at, "quantity": 1_000_000}))
        .collect();
    apply(&admin, Value::from(stock)).await?;
    clients(&database, 8, |client, number| {
        let everywhere = everywhere
            .iter()
            .map(|(sku, at)| ((*sku).to_owned(), (*at).to_owned()))
            .collect::<Vec<_>>();
        async move {
            let mut random = StdRng::seed_from_u64(7 + u64::try_from(number)?);
            for _ in 0..25 {
                let mut keys = everywhere.clone();
                keys.shuffle(&mut random);
                let commands: Vec<Value> = keys
                    .iter()
                    .map(|(sku, at)| json!({"op": "reserve", "sku": sku, "location": at, "quantity": 1}))
                    .collect();
                let outcomes = apply(&client, Value::from(commands)).await?;
                ensure!(outcomes.iter().all(|outcome| outcome.0 == "applied"), "{outcomes:?}");
            }
            Ok(())
        }
    })
    .await?;
    assert_no_deadlock(&database).await?;
    assert_sound(&admin).await
}

/// Plain batches that open and close holds, of which many are in the batch of another client at the same moment.
async fn overlapping_closings(database: Arc<Database>) -> Result<()> {
    /// Most holds that are open at a time: few, so that clients meet.
    const OPEN: usize = 40;
    let admin = database.client().await?;
    make_catalogue(&admin).await?;
    let everywhere = SKUS.iter().flat_map(|sku| LOCATIONS.iter().map(move |at| (*sku, *at)));
    let stock: Vec<Value> = everywhere
        .map(|(sku, at)| json!({"op": "add", "sku": sku, "location": at, "quantity": 1_000_000}))
        .collect();
    apply(&admin, Value::from(stock)).await?;
    let open: Arc<Mutex<Vec<Uuid>>> = Arc::default();
    let closed = clients(&database, 6, |client, number| {
        let open = Arc::clone(&open);
        async move {
            let mut random = StdRng::seed_from_u64(11 + u64::try_from(number)?);
            let (mut closed, mut late) = (Vec::new(), 0);
            for _ in 0..40 {
                let holds: Vec<Uuid> = open.lock().unwrap().choose_multiple(&mut random, 5).copied().collect();
                let mut commands: Vec<Value> = (0..10)
                    .map(|_| {
                        json!({"op": "reserve", "sku": SKUS.choose(&mut random).unwrap(),
                            "location": LOCATIONS.choose(&mut random).unwrap(), "quantity": 1})
                    })
                    .collect();
                commands.extend(holds.iter().map(|id| {
                    let op = if random.random_ratio(1, 2) { "confirm" } else { "cancel" };
                    json!({"op": op, "reservation_id": id})
                }));
                commands.shuffle(&mut random);
                let outcomes = apply(&client, Value::from(commands.clone())).await?;
                for ((outcome, answer), command) in outcomes.iter().zip(&commands) {
                    let id = answer.as_ref().and_then(|answer| answer["reservation_id"].as_str());
                    match (command["op"] == "reserve", outcome.as_str(), id) {
                        (true, "applied", Some(id)) => {
                            let mut open = open.lock().unwrap();
                            open.push(id.parse()?);
                            let surplus = open.len().saturating_sub(OPEN);
                            open.drain(..surplus);
                        }
                        (false, "applied", Some(id)) => {
                            let id: Uuid = id.parse()?;
                            open.lock().unwrap().retain(|other| *other != id);
                            closed.push(id);
                        }
                        (false, "IV009", _) => late += 1,
                        _ => anyhow::bail!("{outcome} for {command}"),
                    }
                }
            }
            Ok((closed, late))
        }
    })
    .await?;
    let late: usize = closed.iter().map(|(_, late)| late).sum();
    let mut closed: Vec<Uuid> = closed.into_iter().flat_map(|(closed, _)| closed).collect();
    let count = closed.len();
    closed.sort_unstable();
    closed.dedup();
    println!("{count} holds closed, {late} that were closed already");
    ensure!(
        closed.len() == count,
        "{} holds were closed twice",
        count - closed.len()
    );
    ensure!(late > 0, "no two batches closed the same hold");
    let query = "select count(*) from inventory.reservation where status <> 'PENDING'";
    let ended: i64 = admin.query_one(query, &[]).await?.get(0);
    ensure!(ended == i64::try_from(count)?, "{ended} of {count} have ended");
    assert_no_deadlock(&database).await?;
    assert_sound(&admin).await
}

/// Reservations that some client made, and requests that may be repeated.
#[derive(Default)]
struct Shared {
    reservations: Vec<Uuid>,
    keyed: Vec<Value>,
}

async fn random_history(database: Arc<Database>) -> Result<()> {
    let seed: u64 = match std::env::var("ONHAND_TEST_SEED") {
        Ok(text) => text.parse()?,
        Err(_) => rand::random(),
    };
    println!("seed {seed}: repeat with ONHAND_TEST_SEED={seed}");
    let admin = database.client().await?;
    make_catalogue(&admin).await?;
    let shared = Arc::new(Mutex::new(Shared::default()));
    let applied = clients(&database, 8, |client, number| {
        let shared = Arc::clone(&shared);
        async move {
            let mut random = StdRng::seed_from_u64(seed ^ u64::try_from(number)?);
            let begun = Instant::now();
            let mut applied = 0;
            while begun.elapsed() < Duration::from_secs(8) {
                if number == 0 && random.random_ratio(1, 10) {
                    client.query_one("select api.expire_reservations(50)", &[]).await?;
                }
                let size = if random.random_ratio(1, 2) {
                    1
                } else {
                    random.random_range(2..30)
                };
                let commands: Vec<Value> = (0..size).map(|_| command(&mut random, &shared)).collect();
                let outcomes = apply(&client, Value::from(commands.clone())).await?;
                for (outcome, command) in outcomes.iter().zip(&commands) {
                    ensure!(
                        REFUSALS.contains(&outcome.0.as_str()),
                        "seed {seed}: {} for {command}",
                        outcome.0
                    );
                }
                applied += outcomes.iter().filter(|outcome| outcome.0 == "applied").count();
                remember(&shared, &outcomes, &commands);
            }
            Ok(applied)
        }
    })
    .await?;
    println!("seed {seed}: {} commands were applied", applied.iter().sum::<usize>());
    assert_no_deadlock(&database).await?;
    ensure!(
        applied.iter().sum::<usize>() > 200,
        "seed {seed}: only {applied:?} commands were applied"
    );
    assert_sound(&admin).await?;
    // What was held and is due is freed; then the same must hold.
    tokio::time::sleep(Duration::from_millis(300)).await;
    while admin
        .query_one("select api.expire_reservations()", &[])
        .await?
        .get::<_, i32>(0)
        == 1000
    {}
    assert_sound(&admin).await
}

fn remember(shared: &Mutex<Shared>, outcomes: &[(String, Option<Value>)], commands: &[Value]) {
    let mut shared = shared.lock().unwrap();
    for ((_, answer), command) in outcomes.iter().zip(commands) {
        let id = answer.as_ref().and_then(|answer| answer["reservation_id"].as_str());
        if command["op"] == "reserve" {
            shared.reservations.extend(id.and_then(|id| id.parse::<Uuid>().ok()));
        }
        if command["idempotency_key"].is_string() {
            shared.keyed.push(command.clone());
        }
    }
    let surplus = shared.reservations.len().saturating_sub(60);
    shared.reservations.drain(..surplus);
    let surplus = shared.keyed.len().saturating_sub(40);
    shared.keyed.drain(..surplus);
}

fn command(random: &mut StdRng, shared: &Mutex<Shared>) -> Value {
    let sku = *SKUS.choose(random).unwrap();
    let at = *LOCATIONS.choose(random).unwrap();
    let quantity = random.random_range(1..20);
    let mut command = match random.random_range(0..100) {
        0..15 => json!({"op": "add", "sku": sku, "location": at, "quantity": quantity}),
        15..22 => json!({"op": "remove", "sku": sku, "location": at, "quantity": quantity}),
        22..28 => {
            json!({"op": "adjust", "sku": sku, "location": at, "quantity": random.random_range(1..9) - 10, "reason": "count"})
        }
        28..38 => {
            let to = LOCATIONS.iter().find(|to| **to != at).unwrap();
            json!({"op": "move", "sku": sku, "from": at, "to": to, "quantity": quantity})
        }
        38..55 => json!({"op": "reserve", "sku": sku, "location": at, "quantity": quantity,
            "expires_in_seconds": random.random_range(0.01..0.2)}),
        55..65 => {
            let lines: Vec<Value> = (0..random.random_range(1..4))
                .map(|_| json!({"sku": SKUS.choose(random).unwrap(), "location": at, "quantity": random.random_range(1..5)}))
                .collect();
            json!({"op": "reserve", "lines": lines, "reservation_id": Uuid::now_v7()})
        }
        65..70 => {
            json!({"op": "add", "sku": sku, "location": at, "quantity": 1, "expected_version": random.random_range(0..40)})
        }
        70..75 => {
            if let Some(command) = shared.lock().unwrap().keyed.choose(random) {
                return command.clone();
            }
            json!({"op": "add", "sku": sku, "location": at, "quantity": 1})
        }
        _ => {
            let id = shared
                .lock()
                .unwrap()
                .reservations
                .choose(random)
                .copied()
                .unwrap_or_else(Uuid::now_v7);
            let op = if random.random_ratio(2, 3) { "confirm" } else { "cancel" };
            json!({"op": op, "reservation_id": id})
        }
    };
    if random.random_ratio(1, 5) {
        command["idempotency_key"] = json!(format!("key {}", random.random_range(0..1_000_000)));
    }
    command
}
