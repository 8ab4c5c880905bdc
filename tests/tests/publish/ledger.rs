//! The ledger as Postgres has it, and what must have been published of it.

use anyhow::Result;
use onhand_db::tokio_postgres::Client;
use serde_json::{Value, json};

/// One line of the ledger.
#[derive(Debug, Clone)]
pub(super) struct Movement {
    pub(super) item: String,
    pub(super) location: String,
    pub(super) version: i64,
    pub(super) kind: String,
    pub(super) on_hand_delta: i64,
    pub(super) reserved_delta: i64,
    pub(super) moves_units: bool,
    pub(super) on_hand: i64,
    pub(super) reserved: i64,
    pub(super) available: i64,
    pub(super) detail: Value,
}

impl Movement {
    /// What identifies it.
    pub(super) fn place(&self) -> (String, String, i64) {
        (self.item.clone(), self.location.clone(), self.version)
    }

    pub(super) fn previous_available(&self) -> i64 {
        self.available - self.on_hand_delta + self.reserved_delta
    }
}

/// All movements of these items, those of a level in the order of its versions.
pub(super) async fn movements(client: &Client, skus: &[String]) -> Result<Vec<Movement>> {
    let rows = client
        .query(
            "select m.item_id::text, m.location_id, m.version, m.type, m.on_hand_delta, m.reserved_delta, \
                 (m.on_hand_delta, m.reserved_delta, m.in_transit_delta, m.backordered_delta, m.damaged_delta, m.incoming_delta) \
                     <> (0, 0, 0, 0, 0, 0), \
                 m.on_hand, m.reserved, m.available, coalesce(m.detail, '{}') \
             from inventory.stock_movement as m join inventory.item as i on i.id = m.item_id \
             where i.sku = any($1) order by m.item_id, m.location_id, m.version",
            &[&skus],
        )
        .await?;
    Ok(rows
        .iter()
        .map(|row| Movement {
            item: row.get(0),
            location: row.get(1),
            version: row.get(2),
            kind: row.get(3),
            on_hand_delta: row.get(4),
            reserved_delta: row.get(5),
            moves_units: row.get(6),
            on_hand: row.get(7),
            reserved: row.get(8),
            available: row.get(9),
            detail: row.get(10),
        })
        .collect())
}

/// The movements that made the stock low: a second reading of the rule, from the first line of each level on.
pub(super) fn low_stock_edges(movements: &[Movement]) -> Vec<&Movement> {
    let none = json!({"safety_stock": 0, "reorder_point": 0, "policy": "deny"});
    let is_low = |settings: &Value, available: i64| {
        let threshold = settings["safety_stock"]
            .as_i64()
            .max(settings["reorder_point"].as_i64())
            .unwrap();
        settings["policy"] != "unlimited" && available <= threshold
    };
    let mut edges = Vec::new();
    let mut settings = none.clone();
    let mut level = None;
    for movement in movements {
        let here = Some((&movement.item, &movement.location));
        if level != here {
            level = here;
            settings = none.clone();
        }
        let before = settings.clone();
        if movement.kind == "policy" {
            settings = movement.detail.clone();
        }
        if !is_low(&before, movement.previous_available()) && is_low(&settings, movement.available) {
            edges.push(movement);
        }
    }
    edges
}
