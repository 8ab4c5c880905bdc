//! The delivery log, redelivery, and alerts that no event of the stock tells.

use crate::consumer::{Consumer, turn};
use crate::receiver::{Manner, Receiver, is_signed};
use crate::shop::Shop;
use onhand_tests::stack::eventually;

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_delivered_again_under_its_id_when_somebody_asks() {
    let _turn = turn().await;
    let shop = Shop::open(50).await;
    let receiver = Receiver::start(Manner::Answers(503)).await;
    let secret = shop.webhook("t-again", &receiver.url("/")).await;
    let consumer = Consumer::start(&[("ONHAND_ALERTS__MAX_ATTEMPTS", "3".to_owned())]).await;
    let fingerprint = shop.fingerprint("reorder_point");
    shop.remove(45).await;
    eventually("the message is given up after three attempts", || async {
        let log = shop.deliveries("t-again", &fingerprint).await;
        Ok(matches!(log.as_slice(), [(_, status, 3, Some(503))] if status == "failed"))
    })
    .await
    .unwrap();
    let id = shop.deliveries("t-again", &fingerprint).await[0].0.clone();
    receiver.becomes(Manner::Answers(200));
    for times in [4, 5] {
        shop.run("select api.redeliver_webhook($1::text::uuid)", &[&id]).await;
        eventually("it is delivered", || async {
            let log = shop.deliveries("t-again", &fingerprint).await;
            Ok(
                matches!(log.as_slice(), [(_, status, 1, Some(200))] if status == "delivered")
                    && receiver.told().len() == times,
            )
        })
        .await
        .unwrap();
    }
    let told = receiver.told();
    assert!(
        told.iter()
            .all(|one| one.id() == id && one.raw == told[0].raw && is_signed(one, &secret))
    );
    drop(consumer);
    shop.forget("t-again").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_lots_and_counts_open_and_resolve_without_an_event_of_the_stock() {
    let _turn = turn().await;
    let shop = Shop::open(50).await;
    let receiver = Receiver::start(Manner::Answers(200)).await;
    shop.webhook("t-checks", &receiver.url("/")).await;
    let consumer = Consumer::start(&[]).await;
    let edges = async |fingerprint: String, wanted: &[&str]| {
        eventually(&format!("{fingerprint}: {wanted:?}"), || async {
            Ok(receiver.edges(&fingerprint) == wanted)
        })
        .await
        .unwrap();
    };
    // A rule makes of 50 units too few, and is taken back.
    shop.run(
        "select api.set_alert_rule('reorder_point', $1, 'ALERT-W1', threshold => 60)",
        &[&shop.sku],
    )
    .await;
    edges(shop.fingerprint("reorder_point"), &["alert.opened"]).await;
    shop.run(
        "select api.remove_alert_rule('reorder_point', $1, 'ALERT-W1')",
        &[&shop.sku],
    )
    .await;
    edges(shop.fingerprint("reorder_point"), &["alert.opened", "alert.resolved"]).await;
    // A lot that expires tomorrow, until it is sold.
    let milk = format!("{}-M", shop.sku);
    shop.run("select api.upsert_items(jsonb_build_array(jsonb_build_object('sku', $1::text, 'name', 'Milk', 'tracking', 'lot')))", &[&milk])
        .await;
    shop.run(
        "select api.apply_commands(jsonb_build_array(jsonb_build_object('op', 'add', 'sku', $1::text, 'location', 'ALERT-W1', \
         'quantity', 3, 'lot', 'L1', 'lot_expires_at', clock_timestamp() + interval '1 day')))",
        &[&milk],
    )
    .await;
    let id = shop
        .text("select id::text from inventory.item where sku = $1", &[&milk])
        .await;
    let lot = format!("lot_expiry/{id}/ALERT-W1/L1");
    edges(lot.clone(), &["alert.opened"]).await;
    shop.run("select api.remove_stock($1, 'ALERT-W1', 3)", &[&milk]).await;
    edges(lot, &["alert.opened", "alert.resolved"]).await;
    // A count that found two too few, until it is approved.
    let skus = vec![shop.sku.clone()];
    let count = shop
        .text("select count_id::text from api.open_count('ALERT-W1', $1)", &[&skus])
        .await;
    shop.run("select api.count_line($1::text::uuid, $2, 48)", &[&count, &shop.sku])
        .await;
    let variance = format!("count_variance/{count}");
    edges(variance.clone(), &["alert.opened"]).await;
    shop.run("select api.approve_count($1::text::uuid)", &[&count]).await;
    edges(variance, &["alert.opened", "alert.resolved"]).await;
    drop(consumer);
    shop.forget("t-checks").await;
}
