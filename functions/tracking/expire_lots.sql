-- Takes what is free of lots past their date, or recalled, from sale. Availability is right without it (whoever needs the stock does it first, and
-- readers do not count it); this only writes the rows in good time. Holds that are due there are freed with it.
-- Returns at how many places it did; call again while it returns max_count. Errors: IV008 if max_count is not 1 to 1000.
-- Locks the stock_level rows in key order, then the reservations that get stock by it, in id order. Safe to call from several sessions and by pg_cron. Security definer because only the owner
-- writes tables.
create or replace function api.expire_lots(max_count integer default 1000)
returns integer
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_due internal.line[];
    v_levels internal.level[];
    v_level internal.level;
    v_now timestamptz;
    v_places integer := 0;
begin
    if max_count is null or max_count not between 1 and 1000 then
        perform internal.raise_error('IV008', internal.problem('max_count', 'must be 1 to 1000'));
    end if;
    v_due := internal.due_lot_lines(clock_timestamp(), max_count);
    if v_due is null then
        return 0;
    end if;
    v_levels := internal.lock_levels(v_due);
    foreach v_level in array v_levels loop
        v_now := coalesce(v_now, clock_timestamp());
        perform internal.ensure_movement_partition(v_now);
        perform internal.free_due_on(v_level.item_id, v_level.location_id, v_now);
        perform internal.expire_due_lots(v_level.item_id, v_level.location_id, v_now);
        v_places := v_places + 1;
    end loop;
    perform internal.renew_filled(v_levels, v_now);
    return v_places;
end
$$;

revoke execute on function api.expire_lots(integer) from public;
grant execute on function api.expire_lots(integer) to onhand_api, onhand_operator;
comment on function api.expire_lots(integer) is 'Takes what is free of lots past their date from sale; returns at how many places.';
