-- Writes the balances that accepted lines lead to: one update (or insert, for a key without a row) for each key, however many
-- lines it had. Raises 40001 if somebody else made a missing row first; internal.apply_guarded then decides again. Such a row is not touched: it was
-- not locked with the others, and to wait for it now, out of order, could deadlock.
create or replace function internal.write_levels(lines internal.line[], levels internal.level[], instant timestamptz)
returns void
language plpgsql
volatile
set search_path = ''
set enable_hashjoin = off  -- a plan made while the table was empty must not scan it later
set enable_mergejoin = off
set enable_seqscan = off
as $$
declare
    v_expected bigint;
    v_written bigint;
    v_missing constant boolean := internal.has_missing_level(levels);
    v_locked internal.line[] := lines;
begin
    if v_missing then
        v_locked := array(
            select l from unnest(lines) as l
            where not exists (select from unnest(levels) as v
                where v.item_id = l.item_id and v.location_id = l.location_id and not v.found));
    end if;
    update inventory.stock_level as s
    set on_hand = n.on_hand,
        reserved = n.reserved,
        available = n.on_hand - n.reserved,
        status = internal.stock_status(n.on_hand - n.reserved, greatest(s.safety_stock, s.reorder_point)),
        version = n.version,
        last_movement_at = instant,
        next_hold_at = case
            when n.reserved = 0 then null
            when n.closed_deadline <= s.next_hold_at then internal.first_deadline(s.item_id, s.location_id)
            else least(s.next_hold_at, n.opened_deadline) end
    from internal.last_lines(v_locked) as n
    where s.item_id = n.item_id and s.location_id = n.location_id;

    if not v_missing then
        return;
    end if;
    insert into inventory.stock_level as s (item_id, location_id, on_hand, reserved, available, status, version,
        last_movement_at, created_at, next_hold_at)
    select n.item_id, n.location_id, n.on_hand, n.reserved, n.on_hand - n.reserved,
        internal.stock_status(n.on_hand - n.reserved, 0), n.version, instant, instant,
        case when n.reserved > 0 then n.opened_deadline end
    from internal.last_lines(lines) as n
    where exists (select from unnest(levels) as v
        where v.item_id = n.item_id and v.location_id = n.location_id and not v.found)
    order by n.item_id, n.location_id
    on conflict (item_id, location_id) do nothing;
    get diagnostics v_written = row_count;
    select count(*) into v_expected
    from internal.last_lines(lines) as n
    join unnest(levels) as v on v.item_id = n.item_id and v.location_id = n.location_id and not v.found;
    if v_written < v_expected then
        raise exception 'another session made the stock level first' using errcode = '40001';
    end if;
    perform internal.check_still_plain(levels);
end
$$;

comment on function internal.write_levels(internal.line[], internal.level[], timestamptz) is 'Writes the balances that accepted lines lead to, once for each key.';
