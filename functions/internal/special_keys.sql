-- The keys that a special command may touch, to be locked before anything is decided. Names that lead nowhere have no keys: deciding refuses them.
create or replace function internal.special_keys(command internal.command)
returns table (item_id uuid, location_id text)
language plpgsql
stable
rows 5
set search_path = ''
as $$
begin
    case
        when command.op in ('order', 'receive_order', 'cancel_order') then
            return query select k.item_id, k.location_id from internal.order_keys(command) as k;
        when command.op = 'count' then
            return query select k.item_id, k.location_id from internal.count_keys(command) as k;
        when command.op = 'recall' then
            return query select k.item_id, k.location_id from internal.recall_keys(command) as k;
        when command.op in ('receive', 'cancel_transfer') then
            return query
            select l.item_id, p.id
            from inventory.transfer as t
            join inventory.transfer_line as l on l.transfer_id = t.id
            cross join lateral (values (t.from_location), (t.to_location)) as p (id)
            where t.id = (command.body ->> 'transfer_id')::uuid;
        when command.op in ('confirm', 'cancel', 'expire', 'extend', 'relocate') then
            return query select k.item_id, k.location_id from internal.reservation_keys(command) as k;
        else
            return query select k.item_id, k.location_id from internal.line_keys(command) as k;
    end case;
end
$$;

comment on function internal.special_keys(internal.command) is 'The keys that a special command may touch.';
