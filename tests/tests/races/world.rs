//! A small world for each trial of a pair: items, places, stock, reservations, a transfer, an order and a count; and the parts that
//! its deeds ask for.

mod parts;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tokio_postgres::Client;
use uuid::Uuid;

/// Names of one world; its ids follow from its number.
#[derive(Clone, Debug)]
pub(super) struct World {
    tag: String,
    pub(super) transfer: Uuid,
    pub(super) order: Uuid,
    pub(super) count: Uuid,
}

/// Rows as text, sorted, without what differs from world to world.
const ROWS: &str = "
    select concat_ws(' ', 'level', i.name, split_part(s.location_id, '-', 2), s.on_hand, s.reserved, s.in_transit, s.backordered,
        s.damaged, s.incoming, s.policy, s.status, 'v' || s.version) as row
    from inventory.stock_level as s join inventory.item as i on i.id = s.item_id where i.sku like $1
    union all
    select concat_ws(' ', 'line', r.status, i.name, split_part(l.location_id, '-', 2), l.quantity, l.backordered, l.confirmed,
        l.status)
    from inventory.reservation_line as l join inventory.reservation as r on r.id = l.reservation_id
    join inventory.item as i on i.id = l.item_id where i.sku like $1
    union all
    select concat_ws(' ', 'transfer', t.status, i.name, l.shipped, l.received, l.damaged, l.lost, l.returned)
    from inventory.transfer_line as l join inventory.transfer as t on t.id = l.transfer_id
    join inventory.item as i on i.id = l.item_id where i.sku like $1
    union all
    select concat_ws(' ', 'order', o.status, i.name, l.ordered, l.received, l.damaged, l.cancelled)
    from inventory.purchase_order_line as l join inventory.purchase_order as o on o.id = l.purchase_order_id
    join inventory.item as i on i.id = l.item_id where i.sku like $1
    union all
    select concat_ws(' ', 'ledger', i.name, split_part(m.location_id, '-', 2), m.version, m.type, m.on_hand_delta, m.reserved_delta,
        m.in_transit_delta, m.backordered_delta, m.damaged_delta, m.incoming_delta)
    from inventory.stock_movement as m join inventory.item as i on i.id = m.item_id where i.sku like $1
    union all
    select concat_ws(' ', 'unit', i.name, u.serial, u.status, split_part(u.location_id, '-', 2), r.status, 'v' || u.version)
    from inventory.serial as u join inventory.item as i on i.id = u.item_id
    left join inventory.reservation as r on r.id = u.reservation_id where i.sku like $1
    union all
    select concat_ws(' ', 'lot', i.name, split_part(l.location_id, '-', 2), t.code, l.on_hand, l.reserved, l.damaged, 'v' || l.version)
    from inventory.lot_level as l join inventory.lot as t on t.id = l.lot_id join inventory.item as i on i.id = l.item_id
    where i.sku like $1
    union all
    select concat_ws(' ', 'count', split_part(c.reference, '-', 2), c.status, i.name, l.counted, l.variance, l.posted_variance, l.recounts)
    from inventory.stock_count_line as l join inventory.stock_count as c on c.id = l.stock_count_id
    join inventory.item as i on i.id = l.item_id where i.sku like $1
    union all
    select concat_ws(' ', 'item', i.name, i.kind, i.tracking, i.unit_of_measure, i.status, i.stock_policy, 'v' || i.version)
    from inventory.item as i where i.sku like $1
    union all
    select concat_ws(' ', 'place', split_part(p.id, '-', 2), p.status, p.stock_policy, 'v' || p.version)
    from inventory.location as p where p.id like $1
    union all
    select concat_ws(' ', 'part', i.name, c.name, b.quantity)
    from inventory.bundle_component as b join inventory.item as i on i.id = b.bundle_id join inventory.item as c on c.id = b.component_id
    where i.sku like $1
    union all
    select concat_ws(' ', 'of many', i.name, u.unit, u.factor)
    from inventory.item_unit as u join inventory.item as i on i.id = u.item_id where i.sku like $1
    union all
    select concat_ws(' ', 'key', k.key) from inventory.idempotency_key as k where k.caller = trim(trailing '-%' from $1)
    order by 1";

impl World {
    /// The world of this number with these parts.
    pub(super) async fn make(client: &Client, number: usize, parts: &BTreeSet<char>) -> Result<Self> {
        let mut world = Self {
            tag: format!("w{number}"),
            transfer: Uuid::nil(),
            order: Uuid::nil(),
            count: Uuid::nil(),
        };
        let more = parts.iter().map(|part| parts::script(&world, *part));
        client
            .batch_execute(&(world.script() + &more.collect::<String>()))
            .await
            .context("the world was not made")?;
        let reference = format!("{}-", world.tag);
        let row = client
            .query_one(
                "select (select t.id from inventory.transfer as t where t.reference = $1), \
                 (select o.id from inventory.purchase_order as o where o.reference = $1), \
                 (select c.id from inventory.stock_count as c where c.reference = $1)",
                &[&reference],
            )
            .await?;
        (world.transfer, world.order, world.count) = (row.get(0), row.get(1), row.get(2));
        Ok(world)
    }

    pub(super) fn tag(&self) -> &str {
        &self.tag
    }

    pub(super) fn name(&self, name: &str) -> String {
        format!("{}-{name}", self.tag)
    }

    pub(super) fn key(&self, sku: &str, place: &str) -> (String, String) {
        (self.name(sku), self.name(place))
    }

    pub(super) fn id(&self, name: &str) -> Uuid {
        Uuid::new_v5(&Uuid::NAMESPACE_OID, self.name(name).as_bytes())
    }

    pub(super) async fn rows(&self, client: &Client) -> Result<Vec<String>> {
        let rows = client.query(ROWS, &[&format!("{}-%", self.tag)]).await?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// The script of commands none of which may be refused.
    fn run(commands: &Value) -> String {
        format!(
            "do $$ begin
                if exists (select from api.apply_commands('{commands}') where outcome <> 'applied') then raise 'refused'; end if;
             end $$;\n"
        )
    }

    /// P: 10 at W1 (3 held with 2 of Q, 1 held and due) and 5 at W2, 2 on their way there, 5 ordered, a count of W1 that found one less.
    /// C: nobody has any at W1, 4 wait for it, 3 at W2. L: 10 of one lot.
    fn script(&self) -> String {
        let item = |sku: &str| json!({"sku": self.name(sku), "name": sku, "tracking": if sku == "L" { "lot" } else { "none" }});
        let items = json!([item("P"), item("Q"), item("C"), item("L")]);
        let places = json!([{"id": self.name("W1")}, {"id": self.name("W2")}, {"id": self.name("W3")}]);
        let line = |sku: &str, place: &str, quantity: i64| json!({"sku": self.name(sku), "location": self.name(place), "quantity": quantity});
        let lot = json!({"sku": self.name("L"), "location": self.name("W1"), "quantity": 10, "lot": "l1"});
        let stock = [
            line("P", "W1", 12),
            line("Q", "W1", 10),
            line("P", "W2", 5),
            line("C", "W2", 3),
            lot,
        ];
        let commands = json!([
            {"op": "add", "lines": stock},
            {"op": "reserve", "lines": [line("P", "W1", 3), line("Q", "W1", 2)], "reservation_id": self.id("held"),
                "owner": self.name("owner"), "expires_in_seconds": 3600},
            {"op": "reserve", "lines": [line("P", "W1", 1)], "reservation_id": self.id("due"), "expires_in_seconds": 3600},
            {"op": "ship", "from": self.name("W1"), "to": self.name("W2"), "sku": self.name("P"), "quantity": 2,
                "reference": self.name("")},
        ]);
        let waits = json!([{"op": "reserve", "lines": [line("C", "W1", 4)], "reservation_id": self.id("waiting"),
            "expires_in_seconds": 3600}]);
        let (w1, p, c, tag) = (self.name("W1"), self.name("P"), self.name("C"), self.name(""));
        let order = json!([{"sku": p, "quantity": 5}]);
        let due = self.id("due");
        format!(
            "select from api.upsert_items('{items}');
             select from api.upsert_locations('{places}');
             select from api.upsert_supplier('{tag}S', name => 'a supplier');
             select from api.set_stock_policy('{c}', '{w1}', policy => 'backorder');
             {}{}
             select from api.place_purchase_order('{tag}S', '{w1}', '{order}', reference => '{tag}');
             do $$ declare v_id uuid; begin
                select count_id into v_id from api.open_count('{w1}', skus => array['{p}'], reference => '{tag}');
                perform from api.count_line(v_id, '{p}', 9);
                perform from api.approve_count(v_id);
             end $$;
             update inventory.reservation set expires_at = now() - interval '1 minute' where id = '{due}';
             update inventory.reservation_line set expires_at = now() - interval '1 minute' where reservation_id = '{due}';
             update inventory.stock_level as s set next_hold_at = now() - interval '1 minute'
                from inventory.item as i where i.id = s.item_id and i.sku = '{p}' and s.location_id = '{w1}';\n",
            Self::run(&commands),
            Self::run(&waits),
        )
    }
}
