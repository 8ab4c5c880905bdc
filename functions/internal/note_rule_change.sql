-- Notes that a rule changed: its levels are judged anew by the consumer of alerts, and the change is audited.
create or replace function internal.note_rule_change(action text, kind text, sku text, location text, item_id uuid, detail jsonb)
returns void
language sql
volatile
set search_path = ''
as $$
    insert into inventory.alert_rule_change (item_id, location_id)
    select note_rule_change.item_id, note_rule_change.location
    where kind in ('reorder_point', 'safety_stock', 'out_of_stock');
    insert into inventory.audit_entry (action, detail)
    values (note_rule_change.action,
        jsonb_strip_nulls(jsonb_build_object('kind', kind, 'sku', sku, 'location', location) || note_rule_change.detail));
$$;

comment on function internal.note_rule_change(text, text, text, text, uuid, jsonb) is 'Notes that a rule of alerts changed.';
