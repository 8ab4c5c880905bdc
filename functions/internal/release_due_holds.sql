-- Frees what holds past their deadline keep on these locked levels, so that availability never counts them, sweeper or not.
-- A reservation of several lines is freed line by line, as its keys get locked; the last line closes it.
create or replace function internal.release_due_holds(levels internal.level[], instant timestamptz)
returns void
language plpgsql
volatile
set search_path = ''
set enable_hashjoin = off  -- a plan made while the tables were empty must not scan them later
set enable_mergejoin = off
set enable_seqscan = off
as $$
declare
    v_due internal.line[];
    v_ids uuid[];
begin
    with released as (
        update inventory.reservation_line as r
        set status = 'EXPIRED'
        from unnest(levels) as v
        where r.item_id = v.item_id and r.location_id = v.location_id and r.status = 'PENDING' and r.expires_at <= instant
            and v.next_hold_at <= instant
        returning r.reservation_id, r.item_id, r.location_id, r.quantity, r.expires_at
    )
    select array_agg(row(d.position, d.item_id, null, d.location_id, 'expire', d.quantity, 0, -d.quantity, null, d.expires_at,
            null, null, null, d.reservation_id, null, null, false)::internal.line),
        array_agg(d.reservation_id)
    into v_due, v_ids
    from (
        select r.*, row_number() over (order by r.expires_at, r.reservation_id)::integer as position
        from released as r
    ) as d;

    if v_due is null then
        return;
    end if;
    v_due := internal.decide_together(v_due, levels);
    perform internal.write_movements(null, v_due, levels, instant);
    perform internal.write_levels(v_due, array(select v from unnest(levels) as v where v.found), instant);
    perform internal.close_empty_reservations(v_ids, instant);
end
$$;

comment on function internal.release_due_holds(internal.level[], timestamptz) is 'Frees what holds past their deadline keep on these locked levels.';
