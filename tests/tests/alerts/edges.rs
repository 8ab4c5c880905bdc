//! An item goes below its threshold and above it again.

use crate::consumer::{Consumer, turn};
use crate::receiver::{Manner, Receiver, is_signed};
use crate::shop::Shop;
use onhand_tests::stack::eventually;
use serde_json::Value;
use std::collections::BTreeSet;

const BOTH: [&str; 2] = ["alert.opened", "alert.resolved"];
/// What is judged by events; what else there is comes and goes with the time.
const LEVEL_KINDS: [&str; 3] = ["reorder_point", "safety_stock", "out_of_stock"];

/// The states that Alertmanager had of this item's alert, without what is said again: it tells alerts apart by their labels.
fn states(alertmanager: &Receiver, sku: &str) -> (usize, Vec<&'static str>) {
    let now = jiff::Timestamp::now();
    let mut labels: Vec<Value> = Vec::new();
    let mut states = Vec::new();
    for told in alertmanager.told() {
        assert_eq!(told.path, "/api/v2/alerts");
        for alert in told.body.as_array().unwrap() {
            if alert["labels"]["sku"] != sku {
                continue;
            }
            if !labels.contains(&alert["labels"]) {
                labels.push(alert["labels"].clone());
            }
            let ends: jiff::Timestamp = alert["endsAt"].as_str().unwrap().parse().unwrap();
            let starts: jiff::Timestamp = alert["startsAt"].as_str().unwrap().parse().unwrap();
            assert!(starts <= ends, "{alert}");
            // What is open ends seconds from when it was told; what resolved has ended.
            let summary = alert["annotations"]["summary"].as_str().unwrap();
            let state = if summary.starts_with("Resolved") {
                "resolved"
            } else {
                "firing"
            };
            assert!(state == "firing" || ends <= now, "{alert}");
            if states.last() != Some(&state) {
                states.push(state);
            }
        }
    }
    (labels.len(), states)
}

/// What PagerDuty was asked to do about an alert.
fn pages(pagerduty: &Receiver, fingerprint: &str) -> Vec<String> {
    pagerduty
        .told()
        .iter()
        .filter(|told| told.body["dedup_key"] == format!("onhand/{fingerprint}"))
        .map(|told| told.body["event_action"].as_str().unwrap().to_owned())
        .collect()
}

/// Messages about levels, each once: what is under way when a consumer is killed may come again, under the same id.
fn of_levels(receiver: &Receiver) -> BTreeSet<String> {
    let told = receiver.told();
    told.iter()
        .filter(|told| LEVEL_KINDS.contains(&told.body["data"]["kind"].as_str().unwrap_or_default()))
        .map(|told| told.id().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn f10_one_open_and_one_resolve_at_each_receiver_however_it_answers() {
    let _turn = turn().await;
    let shop = Shop::open(50).await;
    let (alertmanager, slack, pagerduty) = (
        Receiver::start(Manner::FailsFirst(2)).await,
        Receiver::start(Manner::Answers(200)).await,
        Receiver::start(Manner::Answers(202)).await,
    );
    let fine = Receiver::start(Manner::Answers(200)).await;
    let fails = Receiver::start(Manner::FailsFirst(3)).await;
    let stalls = Receiver::start(Manner::Stalls).await;
    let doubts = Receiver::start(Manner::Doubts).await;
    let gone = Receiver::start(Manner::Answers(410)).await;
    let redirects = Receiver::start(Manner::Redirects).await;
    let all = [
        ("t-fine", &fine),
        ("t-fails", &fails),
        ("t-stalls", &stalls),
        ("t-doubts", &doubts),
        ("t-gone", &gone),
        ("t-redirects", &redirects),
    ];
    let mut secrets = Vec::new();
    for (name, receiver) in all {
        secrets.push(shop.webhook(name, &receiver.url("/hook")).await);
    }
    let consumer = Consumer::start(&[
        (
            "ONHAND_ALERTS__ALERTMANAGER_URLS",
            format!("[\"{}\"]", alertmanager.url("")),
        ),
        ("ONHAND_ALERTS__SLACK_WEBHOOK_URL", slack.url("/services/T/B/x")),
        ("ONHAND_ALERTS__PAGERDUTY_ROUTING_KEY", "routing".to_owned()),
        ("ONHAND_ALERTS__PAGERDUTY_URL", pagerduty.url("/v2/enqueue")),
        ("ONHAND_ALERTS__PAGERDUTY_MIN_SEVERITY", "warning".to_owned()),
    ])
    .await;

    // 50 -> 5: low. Then up to its upper line (10 and a tenth), which is not above it, and then above.
    let fingerprint = shop.fingerprint("reorder_point");
    shop.remove(45).await;
    shop.remove(1).await;
    shop.add(6).await;
    shop.add(1).await;
    eventually("the alert is told where somebody listens", || async {
        Ok(fine.edges(&fingerprint) == ["alert.opened"])
    })
    .await
    .unwrap();
    shop.add(1).await;
    for receiver in [&fine, &fails, &doubts] {
        eventually("both edges are told", || async {
            Ok(receiver.edges(&fingerprint) == BOTH)
        })
        .await
        .unwrap();
    }
    assert_eq!(stalls.edges(&fingerprint), [""; 0], "nobody waited for it");
    stalls.becomes(Manner::Answers(200));
    eventually("who stalled is told in the end", || async {
        Ok(stalls.edges(&fingerprint) == BOTH)
    })
    .await
    .unwrap();
    eventually("the others have both edges too", || async {
        let slack_said = slack
            .told()
            .iter()
            .map(|told| told.body["text"].to_string())
            .collect::<String>();
        let paged = pages(&pagerduty, &fingerprint).len() == 2;
        let (_, states) = states(&alertmanager, &shop.sku);
        Ok(slack_said.matches(&shop.sku).count() == 2 && paged && states == ["firing", "resolved"])
    })
    .await
    .unwrap();

    // One alert, one open and one resolve; and it stays so.
    tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
    assert_eq!(shop.history(&fingerprint).await, ["opened", "resolved"]);
    assert_eq!(states(&alertmanager, &shop.sku), (1, vec!["firing", "resolved"]));
    assert_eq!(pages(&pagerduty, &fingerprint), ["trigger", "resolve"]);
    for ((name, receiver), secret) in all.iter().zip(&secrets) {
        assert!(
            receiver
                .told()
                .iter()
                .all(|told| is_signed(told, secret) && told.path == "/hook"),
            "{name}: {:?}",
            receiver.told()
        );
    }
    let times = |receiver: &Receiver, id: &str| receiver.told().iter().filter(|told| told.id() == id).count();
    for told in doubts.taken(&fingerprint) {
        assert_eq!(times(&doubts, told.id()), 2, "a message that comes again has its id");
    }
    assert!(times(&fails, fails.taken(&fingerprint)[0].id()) >= 3);

    // Gone is gone, and a redirect is followed nowhere.
    let calls = gone.told();
    let about_it = calls
        .iter()
        .filter(|told| told.body["data"]["fingerprint"] == fingerprint.as_str());
    assert_eq!(about_it.count(), 1, "{calls:?}");
    let reason = shop
        .text(
            "select disabled_reason from api.list_webhooks() where name = 't-gone' and not enabled",
            &[],
        )
        .await;
    assert!(reason.contains("410"), "{reason}");
    assert!(redirects.told().len() > 1, "it is tried again");
    assert_eq!(redirects.edges(&fingerprint), [""; 0]);
    drop(consumer);
    for (name, _) in all {
        shop.forget(name).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f10_a_topic_that_is_read_again_from_its_beginning_fires_nothing() {
    let _turn = turn().await;
    let shop = Shop::open(50).await;
    let receiver = Receiver::start(Manner::Answers(200)).await;
    shop.webhook("t-replay", &receiver.url("/")).await;
    let consumer = Consumer::start(&[]).await;
    let fingerprint = shop.fingerprint("reorder_point");
    // All is reserved: nothing is available, though nothing was sold.
    shop.run(
        "select api.reserve_stock($1, 'ALERT-W1', 50, expires_in => '1 day')",
        &[&shop.sku],
    )
    .await;
    eventually("out of stock", || async {
        Ok(receiver.edges(&shop.fingerprint("out_of_stock")) == ["alert.opened"])
    })
    .await
    .unwrap();
    shop.add(30).await;
    eventually("in stock again", || async {
        Ok(receiver.edges(&fingerprint) == BOTH && receiver.edges(&shop.fingerprint("out_of_stock")) == BOTH)
    })
    .await
    .unwrap();
    drop(consumer);
    let events = "select count(*)::text from inventory.alert_event where kind = any($1)";
    let before = shop.text(events, &[&LEVEL_KINDS.as_slice()]).await;
    let group = format!("onhand.alerts.{}", uuid::Uuid::now_v7().simple());
    let consumer = Consumer::start(&[("ONHAND_RUNTIME__GROUP_ID", group)]).await;
    eventually("all is read once more", || async { Ok(consumer.lag().await? == 0.0) })
        .await
        .unwrap();
    let told = of_levels(&receiver);
    shop.remove(25).await;
    eventually("what is new is told", || async {
        Ok(receiver.edges(&fingerprint).len() == 3)
    })
    .await
    .unwrap();
    assert_eq!(
        shop.text(events, &[&LEVEL_KINDS.as_slice()])
            .await
            .parse::<i64>()
            .unwrap(),
        before.parse::<i64>().unwrap() + 1
    );
    assert_eq!(of_levels(&receiver).difference(&told).count(), 1);
    drop(consumer);
    shop.forget("t-replay").await;
}
