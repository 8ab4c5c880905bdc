//! What a world has besides its plain part, made only for deeds that meet there.

use super::World;
use serde_json::{Value, json};

/// The script of a part, named by its letter (see `deeds::all`); empty for those that every world has.
pub(super) fn script(world: &World, part: char) -> String {
    match part {
        'd' => damaged(world),
        's' => serials(world),
        'e' => ended_lots(world),
        'b' => bundles(world),
        'n' => counts(world),
        't' => types(world),
        'o' => items(&[item(world, "O", "none")]),
        _ => String::new(),
    }
}

fn item(w: &World, name: &str, tracking: &str) -> Value {
    json!({"sku": w.name(name), "name": name, "tracking": tracking})
}

fn items(items: &[Value]) -> String {
    format!("select from api.upsert_items('{}');\n", Value::from(items))
}

/// A command on a level of W1.
fn on(w: &World, op: &str, sku: &str, quantity: i64, mut fields: Value) -> Value {
    fields["op"] = json!(op);
    fields["sku"] = json!(w.name(sku));
    fields["location"] = json!(w.name("W1"));
    fields["quantity"] = json!(quantity);
    fields
}

fn damaged(w: &World) -> String {
    World::run(&json!([on(w, "quarantine", "P", 2, json!({}))]))
}

fn serials(w: &World) -> String {
    let commands = json!([
        on(w, "add", "S", 4, json!({"serials": ["s0", "s1", "s2", "s3"]})),
        on(w, "remove", "S", 1, json!({"serials": ["s0"]})),
        on(
            w,
            "reserve",
            "S",
            1,
            json!({"serials": ["s2"], "reservation_id": w.id("unit")})
        ),
        on(w, "reserve", "S", 1, json!({"reservation_id": w.id("any unit")})),
    ]);
    items(&[item(w, "S", "serial")]) + &World::run(&commands)
}

fn ended_lots(w: &World) -> String {
    let commands = json!([
        on(w, "add", "X", 10, json!({"lot": "x1"})),
        on(w, "add", "X", 5, json!({"lot": "x2"})),
        on(
            w,
            "reserve",
            "X",
            2,
            json!({"lot": "x2", "reservation_id": w.id("ended"), "expires_in_seconds": 3600})
        ),
    ]);
    let sku = w.name("X");
    items(&[item(w, "X", "lot")])
        + &World::run(&commands)
        + &format!(
            "update inventory.lot as t set expires_at = now() - interval '1 minute' from inventory.item as i
                where i.id = t.item_id and i.sku = '{sku}' and t.code = 'x2';
             update inventory.lot_level as l set ends_at = t.expires_at from inventory.lot as t, inventory.item as i
                where t.id = l.lot_id and i.id = l.item_id and i.sku = '{sku}' and t.code = 'x2';
             update inventory.stock_level as s set next_hold_at = now() - interval '1 minute'
                from inventory.item as i where i.id = s.item_id and i.sku = '{sku}';\n"
        )
}

fn bundles(w: &World) -> String {
    let mut bundle = item(w, "K", "none");
    bundle["kind"] = json!("bundle");
    let parts = json!([{"sku": w.name("M"), "quantity": 2}, {"sku": w.name("N"), "quantity": 1}]);
    items(&[item(w, "M", "none"), item(w, "N", "none"), bundle])
        + &format!(
            "select from api.set_bundle('{}', '{parts}');
             select from api.set_item_units('{}', '[{{\"unit\": \"box\", \"quantity\": 4}}]');\n",
            w.name("K"),
            w.name("M")
        )
        + &World::run(&json!([
            on(w, "add", "M", 20, json!({})),
            on(w, "add", "N", 10, json!({})),
            on(
                w,
                "reserve",
                "K",
                1,
                json!({"reservation_id": w.id("bundle"), "expires_in_seconds": 3600})
            ),
        ]))
}

fn counts(w: &World) -> String {
    let (place, u, v) = (w.name("W1"), w.name("U"), w.name("V"));
    let (open, approved) = (w.name("open"), w.name("approved"));
    items(&[item(w, "U", "none"), item(w, "V", "none")])
        + &World::run(&json!([on(w, "add", "U", 10, json!({})), on(w, "add", "V", 5, json!({}))]))
        + &format!(
            "do $$ declare v_id uuid; begin
                select count_id into v_id from api.open_count('{place}', skus => array['{u}'], reference => '{open}');
                perform from api.count_line(v_id, '{u}', 9);
                select count_id into v_id from api.open_count('{place}', skus => array['{u}', '{v}'], reference => '{approved}');
                perform from api.count_line(v_id, '{u}', 9);
                perform from api.count_line(v_id, '{v}', 6);
                perform from api.approve_count(v_id);
             end $$;\n"
        )
}

fn types(w: &World) -> String {
    items(&[item(w, "T", "none"), item(w, "Z", "none")])
        + &World::run(&json!([
            on(w, "add", "T", 3, json!({})),
            on(w, "remove", "T", 3, json!({}))
        ]))
}
