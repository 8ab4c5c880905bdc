//! Rows for the tests of this sink.

use std::collections::BTreeMap;

use jiff::Timestamp;
use onhand_cdc::RowVersion;
use onhand_cdc::envelope::StockMovementRow;
use uuid::Uuid;

use super::facts::{Dimensions, Item, StockItem};

pub(crate) fn item() -> Item {
    let id = Uuid::from_u128(7);
    Item {
        id,
        unit_of_measure: "EACH".to_owned(),
        version: RowVersion::new(1),
        record: StockItem {
            id: id.to_string(),
            sku: "A-1".to_owned(),
            name: "Bolt".to_owned(),
            description: None,
            category_id: String::new(),
            metadata: BTreeMap::from([("colour".to_owned(), "red".to_owned())]),
            created_at: 1,
            updated_at: 2,
            tags: vec!["new".to_owned()],
            dimensions: Some(Dimensions {
                length: 2.5,
                width: 1.0,
                height: 0.5,
                unit: "cm".to_owned(),
            }),
        },
    }
}

/// A movement of this type that leaves the level at `on_hand` and `reserved`.
pub(crate) fn movement(kind: &str, version: i64, deltas: (i64, i64), after: (i64, i64)) -> StockMovementRow {
    StockMovementRow {
        item_id: item().id,
        location_id: "W1".to_owned(),
        version: RowVersion::new(version),
        kind: kind.to_owned(),
        on_hand_delta: deltas.0,
        reserved_delta: deltas.1,
        in_transit_delta: 0,
        backordered_delta: 0,
        damaged_delta: 0,
        incoming_delta: 0,
        on_hand: after.0,
        reserved: after.1,
        in_transit: 0,
        backordered: 0,
        damaged: 0,
        incoming: 0,
        available: after.0 - after.1,
        reason: None,
        reference: Some("order 5".to_owned()),
        reservation_id: None,
        correlation_id: Some("c-1".to_owned()),
        user_id: None,
        source: "api".to_owned(),
        occurred_at: Timestamp::from_millisecond(1_700_000_000_123).ok(),
        recorded_at: Timestamp::from_millisecond(1_700_000_000_456).ok(),
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
        transfer_id: None,
        detail: None,
    }
}
