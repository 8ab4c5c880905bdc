//! A caller sees its own writes, however far behind the read models are: consistency tokens.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use onhand_tests::process::{Slowed, Stopped};
use onhand_tests::stack::{SETTLE, Stack, eventually};
use reqwest::Method;
use serde_json::{Value, json};

const TOKEN: &str = "consistency-token";
/// Only one of these tests may hold up a consumer at a time.
static CONSUMERS: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

fn token(headers: &HashMap<String, String>) -> &str {
    headers.get(TOKEN).map(String::as_str).expect("a write without a token")
}

async fn written(stack: &Stack, method: Method, path: &str, body: &Value) -> (String, Value) {
    let (status, headers, answer) = stack.call(method, path, &[], Some(body)).await.unwrap();
    assert!((200..300).contains(&status), "{path} {body}: {status} {answer}");
    (token(&headers).to_owned(), answer)
}

async fn read(stack: &Stack, path: &str, token: &str) -> (u16, HashMap<String, String>, Value) {
    stack.call(Method::GET, path, &[(TOKEN, token)], None).await.unwrap()
}

/// A read that may be told to come again, as a busy machine's search is; never anything older.
async fn read_in_time(stack: &Stack, path: &str, token: &str) -> (HashMap<String, String>, Value) {
    let until = Instant::now() + SETTLE;
    loop {
        let (status, headers, answer) = read(stack, path, token).await;
        if status == 200 {
            return (headers, answer);
        }
        // A store that is slow to answer may say so; what it must not do is answer with what was before.
        let code = answer["code"].as_str();
        assert!(
            status == 503 && matches!(code, Some("not_caught_up" | "search_unavailable")),
            "{path}: {answer}"
        );
        assert!(Instant::now() < until, "{path} did not catch up");
    }
}

/// Answers of one connection, by what they came to.
#[derive(Default)]
struct Tally {
    stale_with: AtomicUsize,
    stale_without: AtomicUsize,
    from_cache: AtomicUsize,
    from_database: AtomicUsize,
}

/// One connection: it alone writes its items, so it knows what every read has to say.
async fn connection(stack: &Stack, n: usize, pairs: usize, tally: &Tally) -> anyhow::Result<()> {
    const ITEMS: usize = 4;
    let skus: Vec<String> = (0..ITEMS).map(|item| format!("OWN-{n}-{item}")).collect();
    let mut expected = Vec::new();
    for sku in &skus {
        stack.stocked_item(sku, &["OWN-W1"], 1).await?;
        let body = json!({"sku": sku, "location": "OWN-W1", "quantity": 1});
        let answer = stack.post("/v1/stock/add", &body).await?;
        expected.push(answer["levels"][0]["available"].as_i64().unwrap());
    }
    for pair in 0..pairs {
        let (sku, expected) = (&skus[pair % ITEMS], &mut expected[pair % ITEMS]);
        let body = json!({"sku": sku, "location": "OWN-W1", "quantity": 1});
        let (status, headers, answer) = stack.call(Method::POST, "/v1/stock/add", &[], Some(&body)).await?;
        anyhow::ensure!(status == 200, "{status} {answer}");
        *expected += 1;
        let path = format!("/v1/inventory/product/{sku}");
        let many = json!({"product_ids": [sku]});
        let with = [(TOKEN, token(&headers))];
        let (one, batch, without) = tokio::join!(
            stack.call(Method::GET, &path, &with, None),
            stack.call(Method::POST, "/v1/batch/stock", &with, Some(&many)),
            stack.get(&path),
        );
        let ((_, _, one), (_, _, batch)) = (one?, batch?);
        for seen in [one["available"].as_i64(), batch["stocks"][sku].as_i64()] {
            if seen != Some(*expected) {
                println!("{sku}: {expected:?} was written, {one} {batch} was read");
                tally.stale_with.fetch_add(1, Ordering::Relaxed);
            }
        }
        if without?["available"].as_i64() != Some(*expected) {
            tally.stale_without.fetch_add(1, Ordering::Relaxed);
        }
        let source = match one["source"].as_str() {
            Some("cache") => &tally.from_cache,
            _ => &tally.from_database,
        };
        source.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_caller_sees_its_own_writes_while_the_cache_is_slow() {
    const CONNECTIONS: usize = 32;
    let _turn = CONSUMERS.lock().await;
    let stack = Stack::from_env().unwrap();
    let pairs: usize =
        std::env::var("ONHAND_PAIRS").map_or(2_000, |text| text.parse().expect("ONHAND_PAIRS is no number"));
    let tally = Tally::default();
    let began = Instant::now();
    let slowed = Slowed::part(&stack, "cache", Duration::from_millis(50), Duration::from_millis(10)).unwrap();
    let work = (0..CONNECTIONS).map(|n| connection(&stack, n, pairs.div_ceil(CONNECTIONS), &tally));
    try_join_all(work).await.unwrap();
    drop(slowed);
    let all = tally.from_cache.load(Ordering::Relaxed) + tally.from_database.load(Ordering::Relaxed);
    let (with, without) = (tally.stale_with.into_inner(), tally.stale_without.into_inner());
    println!(
        "{all} pairs in {:?}: stale with tokens {with}, without {without}; with tokens from Redis {}, from Postgres {}",
        began.elapsed(),
        tally.from_cache.into_inner(),
        tally.from_database.into_inner(),
    );
    assert!(all >= pairs);
    assert_eq!(with, 0, "answers that were older than the caller's token");
    assert!(without > 0, "the consumer was not slow enough to prove anything");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_write_answers_with_a_token_that_every_read_takes() {
    let _turn = CONSUMERS.lock().await;
    let stack = Stack::from_env().unwrap();
    let (mut tokens, sku) = (Vec::new(), "TOKEN-1");
    for (method, path, body) in [
        (Method::PUT, "/v1/locations/TOKEN-W1", json!({"name": "one"})),
        (Method::POST, "/v1/locations", json!({"id": "TOKEN-W2", "name": "two"})),
        (Method::PUT, "/v1/locations", json!({"id": "TOKEN-W2", "name": "two"})),
        (Method::PUT, "/v1/items/TOKEN-1", json!({"name": "token one"})),
        (
            Method::POST,
            "/v1/items",
            json!({"sku": "TOKEN-2", "name": "token two"}),
        ),
        (Method::PUT, "/v1/items", json!({"sku": "TOKEN-2", "name": "token two"})),
        (
            Method::POST,
            "/v1/batch/items",
            json!({"items": [{"sku": "TOKEN-3", "name": "token three"}]}),
        ),
        (
            Method::POST,
            "/v1/stock/add",
            json!({"sku": sku, "location": "TOKEN-W1", "quantity": 9}),
        ),
        (
            Method::POST,
            "/v1/stock/remove",
            json!({"sku": sku, "location": "TOKEN-W1", "quantity": 1}),
        ),
        (
            Method::POST,
            "/v1/stock/adjust",
            json!({"sku": sku, "location": "TOKEN-W1", "quantity": -1, "reason": "x"}),
        ),
        (
            Method::POST,
            "/v1/stock/move",
            json!({"sku": sku, "from": "TOKEN-W1", "to": "TOKEN-W2", "quantity": 1}),
        ),
    ] {
        tokens.push(written(&stack, method, path, &body).await.0);
    }
    let body = json!({"sku": sku, "location": "TOKEN-W1", "quantity": 1});
    let (mut reservation, mut version) = (String::new(), 0);
    for end in ["confirm", "cancel"] {
        let (first, answer) = written(&stack, Method::POST, "/v1/reservations", &body).await;
        reservation = answer["reservation_id"].as_str().unwrap().to_owned();
        let path = format!("/v1/reservations/{reservation}/{end}");
        let (last, answer) = written(&stack, Method::POST, &path, &json!({})).await;
        tokens.extend([first, last]);
        version = answer["levels"][0]["version"].as_i64().unwrap();
    }
    let many = tokens.join(", ");
    let reads = [
        "/v1/inventory/product/TOKEN-1",
        "/v1/items/TOKEN-1",
        "/v1/locations/TOKEN-W1",
        "/v1/products/TOKEN-1",
        "/v1/products?q=token",
        &format!("/v1/reservations/{reservation}"),
    ];
    for path in reads {
        let (headers, _) = read_in_time(&stack, path, &many).await;
        if path.contains("product") {
            assert!(headers.contains_key("cache-status"), "{path}: {headers:?}");
        }
        for garbage in ["garbage", &tokens[0][1..], "AQ"] {
            let (status, _, problem) = read(&stack, path, garbage).await;
            assert_eq!(
                (status, problem["code"].as_str()),
                (400, Some("invalid_argument")),
                "{path}"
            );
            assert_eq!(problem["errors"][0]["header"], TOKEN, "{problem}");
        }
    }
    let (_, _, found) = read(&stack, reads[0], &many).await;
    let mut rows = found["locations"].as_array().unwrap().iter();
    let row = rows.find(|row| row["location"] == "TOKEN-W1").unwrap();
    assert!(row["version"].as_i64().unwrap() >= version, "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_waits_for_the_callers_items_and_is_never_silently_stale() {
    let _turn = CONSUMERS.lock().await;
    let stack = Stack::from_env().unwrap();
    let word = format!("w{}", uuid::Uuid::now_v7().simple());
    let (made, _) = written(&stack, Method::PUT, "/v1/items/TOKEN-S", &json!({"name": word})).await;
    let (headers, page) = read_in_time(&stack, &format!("/v1/products?q={word}"), &made).await;
    assert_eq!(
        page["products"][0]["name"], word,
        "the item was written before it was looked for"
    );
    assert!(headers["cache-status"].contains("elasticsearch; hit"), "{headers:?}");

    let stopped = Stopped::part(&stack, "search").unwrap();
    let word = format!("w{}", uuid::Uuid::now_v7().simple());
    let (made, _) = written(&stack, Method::PUT, "/v1/items/TOKEN-S", &json!({"name": word})).await;
    let path = format!("/v1/products?q={word}");
    let (status, _, problem) = read(&stack, &path, &made).await;
    assert_eq!(
        (status, problem["code"].as_str()),
        (503, Some("not_caught_up")),
        "{problem}"
    );
    let (status, _, page) = stack.call(Method::GET, &path, &[], None).await.unwrap();
    assert_eq!(
        (status, page["products"].as_array().map(Vec::len)),
        (200, Some(0)),
        "without the token: what there is"
    );
    // Reads by id do not depend on the index.
    let (status, _, product) = read(&stack, "/v1/products/TOKEN-S", &made).await;
    assert_eq!((status, product["name"].as_str()), (200, Some(word.as_str())));
    drop(stopped);
    let (_, page) = read_in_time(&stack, &path, &made).await;
    assert_eq!(page["products"][0]["name"], word);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_answers_no_number_that_is_older_than_the_token() {
    let _turn = CONSUMERS.lock().await;
    let stack = Stack::from_env().unwrap();
    let sku = format!("TOKEN-T-{}", uuid::Uuid::now_v7().simple());
    let id = stack.stocked_item(&sku, &["TOKEN-W1"], 5).await.unwrap();
    let path = format!("/v1/products?q={sku}");
    eventually("the index has the totals", || async {
        Ok(stack.get(&path).await?["products"][0]["totals"]["on_hand"] == 5)
    })
    .await
    .unwrap();

    let stopped = Stopped::part(&stack, "search").unwrap();
    let add = json!({"sku": sku, "location": "TOKEN-W1", "quantity": 2});
    let (made, answer) = written(&stack, Method::POST, "/v1/stock/add", &add).await;
    let without = stack.get(&path).await.unwrap();
    assert_eq!(without["products"][0]["totals"]["on_hand"], 5, "the index is behind");
    let (_, page) = read_in_time(&stack, &path, &made).await;
    let product = &page["products"][0];
    assert_eq!(product["stock"]["available"], 7, "{product}");
    assert!(product.get("totals").is_none(), "{product}");
    assert!(product.get("stock_unavailable").is_none(), "{product}");
    // A token of what a restore lost: nothing is new enough, and the answer says so.
    let lost = token_of(&id, "TOKEN-W1", answer["levels"][0]["version"].as_i64().unwrap() + 1);
    let (_, page) = read_in_time(&stack, &path, &lost).await;
    let product = &page["products"][0];
    assert_eq!(product["stock_unavailable"], "token_ahead", "{product}");
    assert!(
        product.get("stock").is_none() && product.get("totals").is_none(),
        "{product}"
    );
    drop(stopped);
    eventually("what no token asks about is shown", || async {
        Ok(stack.get(&path).await?["products"][0]["totals"]["on_hand"] == 7)
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_write_has_a_token_that_fits_and_holds() {
    const ITEMS: usize = 300;
    let _turn = CONSUMERS.lock().await;
    let stack = Stack::from_env().unwrap();
    stack
        .put("/v1/locations/TOKEN-W1", &json!({"name": "one"}))
        .await
        .unwrap();
    let skus: Vec<String> = (0..ITEMS).map(|n| format!("TOKEN-L-{n}")).collect();
    let items: Vec<Value> = skus.iter().map(|sku| json!({"sku": sku, "name": sku})).collect();
    let (items, _) = written(&stack, Method::POST, "/v1/batch/items", &json!({"items": items})).await;
    let lines: Vec<Value> = skus
        .iter()
        .map(|sku| json!({"sku": sku, "location": "TOKEN-W1", "quantity": 1}))
        .collect();
    let add = json!({"lines": lines});
    stack.post("/v1/stock/add", &add).await.unwrap();
    let all = json!({"product_ids": skus});
    stack.post("/v1/batch/stock", &all).await.unwrap();

    let stopped = Stopped::part(&stack, "cache").unwrap();
    let (stock, answer) = written(&stack, Method::POST, "/v1/stock/add", &add).await;
    assert!(
        stock.len() <= 3_000 && items.len() <= 3_000,
        "{} and {}",
        stock.len(),
        items.len()
    );
    let with = [(TOKEN, stock.as_str())];
    let (status, _, found) = stack
        .call(Method::POST, "/v1/batch/stock", &with, Some(&all))
        .await
        .unwrap();
    drop(stopped);
    assert_eq!(status, 200, "{found}");
    for level in answer["levels"].as_array().unwrap() {
        let sku = level["sku"].as_str().unwrap();
        assert_eq!(found["stocks"][sku], level["available"], "{sku}");
    }
    assert_eq!(found["sources"]["database"], ITEMS, "Redis had only older rows");
    // A search cannot wait for so many items one by one, and says so.
    let (status, _, problem) = read(&stack, "/v1/products?q=token", &items).await;
    assert_eq!((status, problem["code"].as_str()), (409, Some("token_too_wide")));
}

/// base64url without padding.
fn base64url(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let group = (0..3).fold(0_u32, |group, n| {
            (group << 8) | u32::from(chunk.get(n).copied().unwrap_or(0))
        });
        for n in 0..=chunk.len() {
            let index = usize::try_from((group >> (18 - 6 * n)) & 63).unwrap();
            text.push(char::from(LETTERS[index]));
        }
    }
    text
}

/// A token of one stock level, as its format is documented.
fn token_of(item: &str, location: &str, version: i64) -> String {
    let mut bytes = vec![1, 1];
    bytes.extend_from_slice(uuid::Uuid::parse_str(item).unwrap().as_bytes());
    bytes.extend_from_slice(&[1, u8::try_from(location.len()).unwrap()]);
    bytes.extend_from_slice(location.as_bytes());
    let mut rest = u64::try_from(version).unwrap();
    while rest > 0x7f {
        bytes.push(u8::try_from(rest & 0x7f).unwrap() | 0x80);
        rest >>= 7;
    }
    bytes.push(u8::try_from(rest).unwrap());
    let sum = bytes.iter().fold(0x811c_9dc5_u32, |sum, byte| {
        (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    });
    bytes.extend_from_slice(&sum.to_be_bytes());
    base64url(&bytes)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_a_write_that_a_restore_lost_is_told_apart() {
    let stack = Stack::from_env().unwrap();
    let id = stack.stocked_item("TOKEN-R", &["TOKEN-W1"], 5).await.unwrap();
    let add = json!({"sku": "TOKEN-R", "location": "TOKEN-W1", "quantity": 1});
    let (made, answer) = written(&stack, Method::POST, "/v1/stock/add", &add).await;
    let version = answer["levels"][0]["version"].as_i64().unwrap();
    assert_eq!(made, token_of(&id, "TOKEN-W1", version), "the format is a contract");
    // The database was restored to a time before this write, or is another one.
    let lost = token_of(&id, "TOKEN-W1", version + 1);
    let path = "/v1/inventory/product/TOKEN-R";
    let (status, _, problem) = read(&stack, path, &lost).await;
    assert_eq!(
        (status, problem["code"].as_str()),
        (409, Some("token_ahead")),
        "{problem}"
    );
    // Versions jump with the epoch, so whatever is written after the restore is newer than anything lost.
    written(&stack, Method::POST, "/v1/stock/add", &add).await;
    let (status, _, found) = read(&stack, path, &lost).await;
    assert_eq!(status, 200, "{found}");
}
