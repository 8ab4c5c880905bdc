#![allow(clippy::unwrap_used)]

use super::super::invoice::Line;
use super::super::supply::Receipts;
use super::*;

fn names() -> Names {
    Names::new("d1", "W1")
}

fn event(body: Body) -> Event {
    Event {
        number: 1,
        chain: String::new(),
        body,
    }
}

fn invoice(lines: &[(&str, i64, Kind)]) -> Event {
    let lines = lines
        .iter()
        .zip(2..)
        .map(|((sku, quantity, kind), number)| Line {
            number,
            sku: (*sku).to_owned(),
            quantity: *quantity,
            kind: *kind,
            description: String::new(),
        })
        .collect();
    event(Body::Invoice(Invoice {
        number: "900001".to_owned(),
        at: "2021-03-01T08:26:00Z".parse().unwrap(),
        day: "2021-03-01".parse().unwrap(),
        customer: Some("7001".to_owned()),
        lines,
    }))
}

fn levels(available: &[(&str, i64)]) -> Levels {
    let mut levels = Levels::default();
    available.iter().for_each(|(sku, units)| levels.set(sku, *units));
    levels
}

fn units(lines: &[(&str, i64)]) -> Vec<(String, i64)> {
    lines.iter().map(|(sku, units)| ((*sku).to_owned(), *units)).collect()
}

fn refusal(code: ErrorCode, sku: &str) -> Refusal {
    Refusal {
        code,
        message: String::new(),
        detail: json!({"sku": sku}),
        hint: None,
    }
}

#[test]
fn demand_on_one_item_is_one_line() {
    let events = [invoice(&[
        ("A", 2, Kind::Sale),
        ("B", 1, Kind::Sale),
        ("A", 3, Kind::Sale),
    ])];
    let attempts = first_round(&events, &names(), &mut levels(&[("A", 9), ("B", 9)]), OnShort::Partial);
    let command = attempts.first().unwrap().command(&names());
    assert_eq!(attempts.len(), 1);
    assert_eq!(
        command,
        json!({
            "op": "reserve",
            "lines": [{"sku": "A", "location": "W1", "quantity": 5}, {"sku": "B", "location": "W1", "quantity": 1}],
            "reservation_id": names().reservation("900001@2", 0),
            "owner": "7001",
            "idempotency_key": "d1:W1:900001@2:0",
            "correlation_id": "d1:W1:900001@2:0",
            "reference": "900001",
            "occurred_at": "2021-03-01T08:26:00Z",
        })
    );
}

#[test]
fn a_short_invoice_gets_what_is_left_at_its_turn() {
    let events = [
        invoice(&[("A", 6, Kind::Sale)]),
        invoice(&[("A", 6, Kind::Sale), ("B", 1, Kind::Sale)]),
    ];
    let attempts = first_round(&events, &names(), &mut levels(&[("A", 8)]), OnShort::Partial);
    let asked: Vec<_> = attempts.iter().map(|attempt| attempt.asked.clone()).collect();
    assert_eq!(asked, [units(&[("A", 6)]), units(&[("A", 2)])]);
    let key = attempts
        .last()
        .unwrap()
        .command(&names())
        .get("idempotency_key")
        .cloned();
    assert_eq!(key, Some(json!("d1:W1:900001@2:0/partial")));
}

#[test]
fn a_refused_invoice_takes_nothing_from_the_next() {
    let events = [invoice(&[("A", 9, Kind::Sale)]), invoice(&[("A", 6, Kind::Sale)])];
    let mut levels = levels(&[("A", 8)]);
    let attempts = first_round(&events, &names(), &mut levels, OnShort::Reject);
    assert!(attempts.iter().all(|attempt| attempt.asked == attempt.wanted));
    assert_eq!(levels.available("A"), 2);
}

#[test]
fn where_nothing_is_left_the_database_is_asked_all_the_same() {
    let events = [invoice(&[("A", 9, Kind::Sale)])];
    let attempt = first_round(&events, &names(), &mut Levels::default(), OnShort::Partial).remove(0);
    assert_eq!(attempt.asked, units(&[("A", 9)]));
    // Goods that came in after its turn are not for it.
    assert!(
        attempt
            .again(
                &refusal(ErrorCode::InsufficientStock, "A"),
                &levels(&[("A", 5)]),
                OnShort::Partial
            )
            .is_empty()
    );
}

#[test]
fn receipts_and_returns_count_for_what_follows() {
    let receipts = Receipts {
        opening: units(&[("A", 4)]),
        replenishment: units(&[("B", 1)]),
    };
    let events = [
        event(Body::Receipts("2021-03-01".parse().unwrap(), receipts)),
        invoice(&[("A", -2, Kind::Return)]),
        invoice(&[("A", 6, Kind::Sale)]),
    ];
    let attempts = first_round(&events, &names(), &mut Levels::default(), OnShort::Partial);
    assert_eq!(attempts.len(), 4);
    assert!(attempts.iter().all(|attempt| attempt.asked == attempt.wanted));
    let command = attempts.first().unwrap().command(&names());
    assert_eq!(command.get("occurred_at"), Some(&json!("2021-03-01T00:00:00Z")));
    assert_eq!(command.get("reason"), Some(&json!("opening stock")));
}

#[test]
fn a_write_off_is_negative_and_never_more_than_there_is() {
    let events = [invoice(&[("A", -5, Kind::WriteOff), ("A", 2, Kind::WriteOn)])];
    let attempts = first_round(&events, &names(), &mut levels(&[("A", 3)]), OnShort::Reject);
    let quantities: Vec<_> = attempts
        .iter()
        .map(|attempt| attempt.command(&names()).pointer("/lines/0/quantity").cloned().unwrap())
        .collect();
    assert_eq!(quantities, [json!(-3), json!(2)]);
}

#[test]
fn after_a_refusal_it_asks_for_less_under_another_key() {
    let events = [invoice(&[("A", 6, Kind::Sale), ("B", 1, Kind::Sale)])];
    let first = first_round(&events, &names(), &mut levels(&[("A", 9), ("B", 9)]), OnShort::Partial).remove(0);
    let now = levels(&[("A", 4)]);
    let again = first
        .clone()
        .again(&refusal(ErrorCode::InsufficientStock, "A"), &now, OnShort::Partial)
        .remove(0);
    assert_eq!(again.asked, units(&[("A", 4)]));
    assert_eq!(again.wanted, first.wanted);
    assert_eq!(
        again.command(&names()).get("idempotency_key"),
        Some(&json!("d1:W1:900001@2:0/partial/1"))
    );
    assert_eq!(again.task, first.task);
    assert!(
        first
            .clone()
            .again(&refusal(ErrorCode::InsufficientStock, "A"), &now, OnShort::Reject)
            .is_empty()
    );
    assert!(
        again
            .again(
                &refusal(ErrorCode::InsufficientStock, "A"),
                &Levels::default(),
                OnShort::Partial
            )
            .is_empty()
    );
    let spared = first
        .again(&refusal(ErrorCode::ItemArchived, "B"), &now, OnShort::Partial)
        .remove(0);
    assert_eq!(spared.asked, units(&[("A", 6)]));
}

#[test]
fn a_receipt_that_is_refused_goes_line_by_line() {
    let receipts = Receipts {
        opening: units(&[("A", 4), ("B", 1)]),
        replenishment: Vec::new(),
    };
    let events = [event(Body::Receipts("2021-03-01".parse().unwrap(), receipts))];
    let whole = first_round(&events, &names(), &mut Levels::default(), OnShort::Partial).remove(0);
    let single = whole.again(
        &refusal(ErrorCode::ItemArchived, "B"),
        &Levels::default(),
        OnShort::Partial,
    );
    assert_eq!(single.len(), 2);
    let last = single.last().unwrap();
    assert_eq!(last.asked, units(&[("B", 1)]));
    assert!(
        last.clone()
            .again(
                &refusal(ErrorCode::ItemArchived, "B"),
                &Levels::default(),
                OnShort::Partial
            )
            .is_empty()
    );
}

#[test]
fn ids_and_keys_depend_on_file_and_place_alone() {
    assert_eq!(
        names().reservation("1@2", 0),
        Names::new("d1", "W1").reservation("1@2", 0)
    );
    for other in [Names::new("d2", "W1"), Names::new("d1", "W2")] {
        assert_ne!(names().reservation("1@2", 0), other.reservation("1@2", 0));
    }
}
