-- What posting a line of a count changes on hand by: one row, or for serial numbers one for what is missing and one for what turned up.
-- Worked out anew from the ledger of the counting moment: it may have been told since of what had happened before. Units that something
-- happened to after they were counted are left alone: the later fact has the last word.
create or replace function internal.count_changes(line inventory.stock_count_line, location_id text)
returns table (delta bigint, tracked jsonb)
language plpgsql
stable
rows 1
set search_path = ''
as $$
declare
    v_then record;
    v_serials text[];
    v_later text[];
begin
    select t.* into v_then from internal.on_hand_then(line.item_id, location_id, line.lot, line.counted_at) as t;
    if line.serials is null then
        return query select line.counted - v_then.on_hand, jsonb_strip_nulls(jsonb_build_object('lot', nullif(line.lot, '')));
        return;
    end if;
    v_serials := array(
        select s.serial from internal.serials_then(line.item_id, location_id, line.counted_at, v_then.version) as s);
    v_later := array(
        select h.serial
        from inventory.serial_movement as h
        where h.item_id = line.item_id and h.serial = any (v_serials || line.serials) and h.recorded_at > line.counted_at
            and internal.happened_at(h) > line.counted_at);
    return query
    select c.sign * cardinality(c.serials), jsonb_build_object('serials', c.serials)
    from (
        select -1::bigint as sign, array(
            select n from unnest(v_serials) as n where n <> all (line.serials || v_later) order by n) as serials
        union all
        select 1, array(select n from unnest(line.serials) as n where n <> all (v_serials || v_later) order by n)
    ) as c
    where cardinality(c.serials) > 0;
end
$$;

comment on function internal.count_changes(inventory.stock_count_line, text) is 'What posting a line of a count changes on hand by.';
