-- Archiving an item, closing a location and their undoing go into the audit trail, whichever function does it.
create or replace function internal.record_status_change()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
    insert into inventory.audit_entry (action, detail)
    values ('set_' || tg_table_name || '_status', jsonb_build_object(
        tg_table_name, coalesce(to_jsonb(new) ->> 'sku', to_jsonb(new) ->> 'id'), 'from', old.status, 'to', new.status,
        'version', new.version));
    return null;
end
$$;

comment on function internal.record_status_change() is 'Writes a change of status into the audit trail.';

create or replace trigger item_status_recorded
    after update of status on inventory.item
    for each row when (old.status is distinct from new.status) execute function internal.record_status_change();
create or replace trigger location_status_recorded
    after update of status on inventory.location
    for each row when (old.status is distinct from new.status) execute function internal.record_status_change();
