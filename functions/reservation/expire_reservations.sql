-- Writes EXPIRED to reservations whose deadline has passed and frees what they still hold. Availability is right without it
-- (holds that are due are freed by whoever needs the stock, and never counted by readers); this only writes the rows in good time.
-- Returns how many it expired; call again while it returns max_count. Errors: IV008 if max_count is not 1 to 1000.
-- Locks as api.apply_commands. Safe to call from several sessions and by pg_cron. Security definer because only the owner writes tables.
create or replace function api.expire_reservations(max_count integer default 1000)
returns integer
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    -- Compared with a clock that moves on, every open hold would be looked at.
    v_now constant timestamptz := clock_timestamp();
    v_commands jsonb;
    v_expired integer;
begin
    if max_count is null or max_count not between 1 and 1000 then
        perform internal.raise_error('IV008', internal.problem('max_count', 'must be 1 to 1000'));
    end if;
    select jsonb_agg(jsonb_build_object('op', 'expire', 'reservation_id', d.id, 'reason', 'hold expired'))
    into v_commands
    from (
        select r.id
        from inventory.reservation as r
        where r.status = 'PENDING' and r.expires_at <= v_now
        order by r.expires_at
        limit max_count
    ) as d;
    if v_commands is null then
        return 0;
    end if;
    select count(*) filter (where a.outcome = 'applied') into v_expired
    from api.apply_commands(v_commands, source => 'expiry') as a;
    return v_expired;
end
$$;

revoke execute on function api.expire_reservations(integer) from public;
grant execute on function api.expire_reservations(integer) to onhand_api, onhand_operator;
comment on function api.expire_reservations(integer) is 'Writes EXPIRED to reservations whose deadline has passed; returns how many.';
