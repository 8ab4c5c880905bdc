-- Refuses a change that takes a state of a level below what it may be (IV001) or beyond 10^12 (IV012). The constraints of stock_level say the
-- same; here it gets its own error. What does not take from availability is never refused for want of it.
create or replace function internal.check_level(before inventory.stock_level, after inventory.stock_level, sku text)
returns void
language plpgsql
immutable
set search_path = ''
as $$
declare
    v_state text;
begin
    v_state := case
        when after.available < least(before.available, 0) and after.policy in ('deny', 'backorder') then 'available'
        when after.reserved < 0 then 'reserved'
        when after.in_transit < 0 then 'in_transit'
        when after.backordered < 0 then 'backordered'
        when after.damaged < 0 then 'damaged'
        when after.incoming < 0 then 'incoming'
    end;
    if v_state is not null then
        perform internal.raise_error('IV001', jsonb_build_object('sku', sku, 'location', before.location_id, 'state', v_state,
            'requested', (to_jsonb(before) ->> v_state)::bigint - (to_jsonb(after) ->> v_state)::bigint,
            'available', to_jsonb(before) -> v_state, 'version', before.version));
    elsif greatest(abs(after.on_hand), after.reserved, after.in_transit, after.backordered, after.damaged, after.incoming)
            > 1000000000000 then
        perform internal.raise_error('IV012', jsonb_build_object('sku', sku, 'location', before.location_id));
    end if;
end
$$;

comment on function internal.check_level(inventory.stock_level, inventory.stock_level, text) is 'Refuses a change that takes a state of a level out of its bounds.';
