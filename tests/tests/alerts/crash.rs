//! The consumer is killed while edges are decided and told.

use crate::consumer::{Consumer, turn};
use crate::receiver::{Manner, Receiver, is_signed};
use crate::shop::Shop;
use onhand_tests::stack::eventually;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::HashSet;

/// Where the reorder point of the shops opens and resolves: 10, and a tenth above it.
const LINES: (i64, i64) = (10, 11);

/// The edges that the ledger has, by the words of the rule.
async fn expected(shop: &Shop) -> Vec<String> {
    let rows = shop
        .rows(
            "select m.available from inventory.stock_movement as m where m.item_id = $1::text::uuid \
             and m.version > (select min(p.version) from inventory.stock_movement as p where p.item_id = m.item_id and p.type = 'policy') \
             order by m.version",
            &[&shop.item_id],
        )
        .await;
    let mut edges: Vec<String> = Vec::new();
    for row in rows {
        let open = edges.last().is_some_and(|last| last == "opened");
        match row.get::<_, i64>(0) {
            available if !open && available <= LINES.0 => edges.push("opened".to_owned()),
            available if open && available > LINES.1 => edges.push("resolved".to_owned()),
            _ => {}
        }
    }
    edges
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_and_nothing_is_told_as_new_when_the_consumer_is_killed() {
    let _turn = turn().await;
    let receiver = Receiver::start(Manner::Doubts).await;
    let mut shops = Vec::new();
    for _ in 0..5 {
        shops.push(Shop::open(15).await);
    }
    let secret = shops[0].webhook("t-crash", &receiver.url("/")).await;
    let mut consumer = Consumer::start(&[]).await;
    let mut random = StdRng::seed_from_u64(10);
    for round in 0..4 {
        for _ in 0..12 {
            for shop in &shops {
                let available: i64 = shop
                    .text(
                        "select available::text from inventory.stock_level where item_id = $1::text::uuid",
                        &[&shop.item_id],
                    )
                    .await
                    .parse()
                    .unwrap();
                // Back and forth over the lines, never down to nothing.
                if available > 8 && random.random_bool(0.6) {
                    shop.remove(random.random_range(1..=7)).await;
                } else {
                    shop.add(random.random_range(1..=7)).await;
                }
            }
        }
        if round < 3 {
            consumer.kill();
            consumer.begin().await;
        }
    }
    let mut edges = 0;
    for shop in &shops {
        let (fingerprint, wanted) = (shop.fingerprint("reorder_point"), expected(shop).await);
        edges += wanted.len();
        let told: Vec<String> = wanted.iter().map(|edge| format!("alert.{edge}")).collect();
        eventually(&format!("{fingerprint} is told to its end"), || async {
            Ok(receiver.edges(&fingerprint).len() >= told.len())
        })
        .await
        .unwrap();
        assert_eq!(shop.history(&fingerprint).await, wanted, "decided once each");
        assert_eq!(receiver.edges(&fingerprint), told, "told in their order");
        let ids: HashSet<String> = receiver
            .taken(&fingerprint)
            .iter()
            .map(|one| one.id().to_owned())
            .collect();
        let log = shop.deliveries("t-crash", &fingerprint).await;
        assert_eq!(
            ids,
            log.iter().map(|one| one.0.clone()).collect::<HashSet<String>>(),
            "each message has one id"
        );
    }
    assert!(edges > 10, "too few edges to mean anything: {edges}");
    let fingerprints: Vec<String> = shops.iter().map(|shop| shop.fingerprint("reorder_point")).collect();
    eventually("the log says that all was delivered", || async {
        let open = "select from api.get_webhook_deliveries('t-crash') \
            where status <> 'delivered' and fingerprint = any($1)";
        Ok(shops[0].rows(open, &[&fingerprints]).await.is_empty())
    })
    .await
    .unwrap();
    assert!(receiver.told().iter().all(|told| is_signed(told, &secret)));
    drop(consumer);
    shops[0].forget("t-crash").await;
}
