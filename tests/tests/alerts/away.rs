//! A receiver is away for a while: nothing is lost, the consumer works on and says what is wrong.

use crate::consumer::{Consumer, turn};
use crate::receiver::{Manner, Receiver};
use crate::shop::Shop;
use onhand_tests::process;
use onhand_tests::stack::eventually;
use std::collections::HashSet;
use std::time::Duration;

const WEBHOOK: &str = "t-away";

#[tokio::test(flavor = "multi_thread")]
async fn f10_a_receiver_that_is_away_is_told_everything_when_it_is_back() {
    let _turn = turn().await;
    let shop = Shop::open(50).await;
    let other = Receiver::start(Manner::Answers(200)).await;
    // A port that nobody listens at until the receiver is back.
    let address = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    shop.webhook(WEBHOOK, &format!("http://{address}/hook")).await;
    shop.webhook("t-there", &other.url("/hook")).await;
    let mut consumer = Consumer::start(&[]).await;

    let fingerprint = shop.fingerprint("reorder_point");
    let mut edges = Vec::new();
    for _ in 0..3 {
        shop.remove(45).await;
        shop.add(45).await;
        edges.extend(["alert.opened", "alert.resolved"]);
    }
    eventually("the receiver that is there knows of all", || async {
        Ok(other.edges(&fingerprint) == edges)
    })
    .await
    .unwrap();
    eventually("the metrics say which receiver is not told", || async {
        Ok(consumer.deliveries(WEBHOOK, "retry").await? > 2.0)
    })
    .await
    .unwrap();
    tokio::time::sleep(process::outage(Duration::from_secs(2))).await;

    assert!(consumer.lives(), "the consumer has ended");
    let waiting = shop.deliveries(WEBHOOK, &fingerprint).await;
    assert_eq!(waiting.len(), edges.len(), "{waiting:?}");
    assert!(waiting.iter().all(|one| one.1 == "pending"), "{waiting:?}");
    eventually("it goes on with the stock", || async {
        Ok(consumer.lag().await? < 1.0)
    })
    .await
    .unwrap();
    assert!(consumer.deliveries(WEBHOOK, "failed").await.unwrap() < 1.0, "given up");

    let back = Receiver::start_at(address, Manner::Answers(200)).await;
    eventually("the receiver that is back knows of all", || async {
        Ok(back.edges(&fingerprint).len() >= edges.len())
    })
    .await
    .unwrap();
    assert_eq!(back.edges(&fingerprint), edges, "in their order");
    let told: HashSet<String> = back.taken(&fingerprint).iter().map(|one| one.id().to_owned()).collect();
    let log: HashSet<String> = waiting.into_iter().map(|one| one.0).collect();
    assert_eq!(told, log, "each under its id");
    eventually("the log says that all was delivered", || async {
        let log = shop.deliveries(WEBHOOK, &fingerprint).await;
        Ok(log.iter().all(|one| one.1 == "delivered"))
    })
    .await
    .unwrap();
    drop(consumer);
    shop.forget(WEBHOOK).await;
    shop.forget("t-there").await;
}
