-- Writes what was counted of an item into its line of a count, which is made if it is missing, with what the ledger says was there then. Counted
-- again, the line keeps how often. The count is locked. Errors: IV013 beyond 1,000 lines, IV021, IV033.
create or replace function internal.write_counted(count inventory.stock_count, item inventory.item, counted bigint,
    counted_at timestamptz, lot text, serials text[], user_id text)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_then record;
begin
    select t.* into v_then
    from internal.on_hand_then(item.id, count.location_id, coalesce(lot, ''), write_counted.counted_at) as t;
    if not exists (select from inventory.stock_count_line as l
            where l.stock_count_id = count.id and l.item_id = item.id and l.lot = coalesce(write_counted.lot, ''))
        and (select count(*) from inventory.stock_count_line as l where l.stock_count_id = count.id) >= 1000
    then
        perform internal.raise_error('IV013', jsonb_build_object('count_id', count.id, 'most', 1000));
    end if;
    insert into inventory.stock_count_line as l (stock_count_id, item_id, lot, expected, expected_version, counted, counted_at,
        counted_by, variance, serials)
    values (count.id, item.id, coalesce(lot, ''), v_then.on_hand, v_then.version, counted, counted_at, user_id,
        counted - v_then.on_hand, serials)
    on conflict on constraint stock_count_line_pkey do update
    set expected = excluded.expected, expected_version = excluded.expected_version, counted = excluded.counted,
        counted_at = excluded.counted_at, counted_by = excluded.counted_by, variance = excluded.variance, serials = excluded.serials,
        recounts = l.recounts + case when l.counted is null then 0 else 1 end
    where (l.counted, l.counted_at, l.counted_by, l.serials)
        is distinct from (excluded.counted, excluded.counted_at, excluded.counted_by, excluded.serials);
    update inventory.stock_count as c
    set version = greatest(c.version + 1, internal.version_floor()), updated_at = clock_timestamp()
    where c.id = count.id;
end
$$;

comment on function internal.write_counted(inventory.stock_count, inventory.item, bigint, timestamptz, text, text[], text) is 'Writes what was counted of an item into its line of a count.';
