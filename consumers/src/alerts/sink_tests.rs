#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use onhand_cdc::{RowVersion, Source};
use uuid::Uuid;

use super::*;

fn row(version: i64) -> StockLevelRow {
    StockLevelRow {
        item_id: Uuid::from_u128(1),
        location_id: "W1".to_owned(),
        on_hand: 9,
        reserved: 2,
        in_transit: 0,
        backordered: 0,
        damaged: 0,
        safety_stock: 3,
        reorder_point: 5,
        available: 7,
        policy: "deny".to_owned(),
        status: "in_stock".to_owned(),
        next_hold_at: None,
        version: RowVersion::new(version),
        last_movement_at: None,
        created_at: None,
    }
}

fn change(op: Operation, before: Option<StockLevelRow>, after: Option<StockLevelRow>) -> Change {
    Change::StockLevel(Box::new(Envelope {
        before,
        after,
        source: Source {
            ts_ms: 1_700_000_000_000,
            ts_us: None,
            lsn: None,
            tx_id: None,
            snapshot: None,
        },
        op,
        ts_ms: None,
        transaction: None,
    }))
}

#[test]
fn a_level_is_judged_by_the_numbers_of_its_event() {
    let level = level_of(&change(Operation::Update, None, Some(row(4)))).unwrap();
    assert_eq!(level.location, "W1");
    assert_eq!((level.figures.version, level.figures.available), (4, 7));
    assert_eq!((level.figures.safety_stock, level.figures.reorder_point), (3, 5));
    assert_eq!(level.at.unwrap().as_millisecond(), 1_700_000_000_000);
    assert!(!level.figures.unlimited);
    let digital = StockLevelRow {
        policy: "unlimited".to_owned(),
        ..row(4)
    };
    assert!(
        level_of(&change(Operation::Read, None, Some(digital)))
            .unwrap()
            .figures
            .unlimited
    );
    let gone = level_of(&change(Operation::Delete, Some(row(4)), None)).unwrap();
    assert!(gone.figures.deleted && gone.figures.unlimited);
}

#[test]
fn events_that_name_no_row_or_no_version_are_poison() {
    for (op, before, after) in [
        (Operation::Truncate, None, None),
        (Operation::Delete, None, None),
        (Operation::Delete, Some(row(0)), None),
        (Operation::Update, Some(row(1)), None),
        (Operation::Update, None, Some(row(0))),
    ] {
        assert!(level_of(&change(op, before, after)).is_err(), "{op:?}");
    }
}
