-- Writes the closing balances of a month that are not there yet, or that movements have overtaken that came after it was closed.
-- Returns how many.
create or replace function internal.write_closings(month date)
returns bigint
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_written bigint;
begin
    insert into inventory.closing_balance (month, item_id, location_id, version, on_hand, reserved, in_transit, backordered, damaged,
        incoming, available, safety_stock, reorder_point, policy, last_recorded_at)
    select b.month, b.item_id, b.location_id, b.version, b.on_hand, b.reserved, b.in_transit, b.backordered, b.damaged,
        b.incoming, b.available, b.safety_stock, b.reorder_point, b.policy, b.last_recorded_at
    from internal.month_balances(write_closings.month) as b
    where not exists (
        select from inventory.closing_balance as c
        where c.month = b.month and c.item_id = b.item_id and c.location_id = b.location_id and c.version >= b.version);
    get diagnostics v_written = row_count;
    return v_written;
end
$$;

comment on function internal.write_closings(date) is 'Writes the closing balances of a month that are missing.';
