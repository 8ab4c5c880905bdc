-- What the SQL tests share; loaded into the template database.
create schema test;

-- Two items, an archived one, two open locations and a closed one.
create function test.make_catalogue()
returns void
language sql
as $$
    select api.upsert_items('[{"sku": "A", "name": "Item A"}, {"sku": "B", "name": "Item B"}, {"sku": "OLD", "name": "Archived item"}]');
    select api.upsert_locations('[{"id": "W1"}, {"id": "W2"}, {"id": "SHUT"}]');
$$;

-- Archives OLD and closes SHUT, after a test has put there what it needs.
create function test.close_catalogue()
returns void
language sql
as $$
    select api.upsert_item('OLD', status => 'archived');
    select api.upsert_location('SHUT', status => 'closed');
$$;

-- The balance as it is stored: on_hand reserved available status version.
create function test.level(sku text, location text)
returns text
language sql
as $$
    select concat_ws(' ', s.on_hand, s.reserved, s.available, s.status, 'v' || s.version)
    from inventory.stock_level as s
    join inventory.item as i on i.id = s.item_id
    where i.sku = level.sku and s.location_id = level.location
$$;

-- The ledger in version order: type on_hand_delta reserved_delta version.
create function test.ledger(sku text, location text)
returns text[]
language sql
as $$
    select coalesce(array_agg(concat_ws(' ', m.type, m.on_hand_delta, m.reserved_delta, 'v' || m.version) order by m.version), '{}')
    from inventory.stock_movement as m
    join inventory.item as i on i.id = m.item_id
    where i.sku = ledger.sku and m.location_id = ledger.location
$$;

-- Runs a query and answers its refusal as {"code", ...DETAIL}, or null if there is none. What it did is undone if it is refused.
create function test.refusal(query text)
returns jsonb
language plpgsql
as $$
declare
    v_code text;
    v_detail text;
begin
    execute query;
    return null;
exception
    when others then
        get stacked diagnostics v_code = returned_sqlstate, v_detail = pg_exception_detail;
        return jsonb_build_object('code', v_code)
            || case when pg_input_is_valid(v_detail, 'jsonb') then v_detail::jsonb else '{}' end;
end
$$;

-- Outcomes of a batch in command order: 'applied', 'replayed', or the SQLSTATE of the refusal.
create function test.outcomes(commands jsonb, caller text default null)
returns text[]
language sql
as $$
    select array_agg(coalesce(a.code, a.outcome) order by a.ordinal)
    from api.apply_commands(commands, caller) as a
$$;

-- Moves all that was recorded in this transaction and not moved yet to another instant, distances kept. Facts that were given an
-- occurred_at of their own keep it.
create function test.date_back(instant timestamptz)
returns void
language plpgsql
as $$
declare
    v_by constant interval := now() - instant;
begin
    set local role onhand_owner;
    perform internal.ensure_movement_partition(instant);
    reset role;
    set local session_replication_role = replica;
    update inventory.stock_movement as m
    set occurred_at = case when m.occurred_at < now() then m.occurred_at else m.occurred_at - v_by end, recorded_at = m.recorded_at - v_by
    where m.recorded_at >= now();
    -- They name their row of the ledger by its recorded_at too.
    update inventory.lot_movement as m set recorded_at = m.recorded_at - v_by where m.recorded_at >= now();
    update inventory.serial_movement as m set recorded_at = m.recorded_at - v_by where m.recorded_at >= now();
    update inventory.stock_level as s
    set last_movement_at = s.last_movement_at - v_by, next_hold_at = s.next_hold_at - v_by
    where s.last_movement_at >= now();
    update inventory.reservation_line as l
    set expires_at = l.expires_at - v_by
    from inventory.reservation as r
    where r.id = l.reservation_id and r.created_at >= now();
    update inventory.reservation as r
    set created_at = r.created_at - v_by, expires_at = r.expires_at - v_by
    where r.created_at >= now();
    update inventory.transfer as t set created_at = t.created_at - v_by where t.created_at >= now();
    set local session_replication_role = origin;
end
$$;

-- The first instant of a month of the ledger, counted from this one: -1 is the last.
create function test.month(months integer)
returns timestamptz
language sql
as $$
    select (date_trunc('month', now() at time zone 'UTC') + make_interval(months => months)) at time zone 'UTC'
$$;

-- All states of a balance as they are stored: on_hand/reserved/in_transit/backordered/damaged/incoming, its policy if it is not deny, version.
create function test.states(sku text, location text)
returns text
language sql
as $$
    select concat_ws(' ', concat_ws('/', s.on_hand, s.reserved, s.in_transit, s.backordered, s.damaged, s.incoming),
        nullif(s.policy, 'deny'), 'v' || s.version)
    from inventory.stock_level as s
    join inventory.item as i on i.id = s.item_id
    where i.sku = states.sku and s.location_id = states.location
$$;

-- The ledger in version order, all deltas: type on_hand/reserved/in_transit/backordered/damaged/incoming.
create function test.movements(sku text, location text)
returns text[]
language sql
as $$
    select coalesce(array_agg(m.type || ' ' || concat_ws('/', m.on_hand_delta, m.reserved_delta, m.in_transit_delta, m.backordered_delta,
        m.damaged_delta, m.incoming_delta) order by m.version), '{}')
    from inventory.stock_movement as m
    join inventory.item as i on i.id = m.item_id
    where i.sku = movements.sku and m.location_id = movements.location
$$;

-- The refusals that these queries end in, with the sqlstate that was expected of each; none changes anything. Empty if all are as expected.
create function test.unexpected(cases jsonb)
returns table (query text, expected text, got text)
language plpgsql
as $$
declare
    v_before constant text := (select coalesce(string_agg(concat_ws(' ', s.item_id, s.location_id, s.version), ','
        order by s.item_id, s.location_id), '') from inventory.stock_level as s);
begin
    for query, expected in select c.key, c.value from jsonb_each_text(cases) as c loop
        got := coalesce(test.refusal(query) ->> 'code', 'none');
        if got <> expected or got ~ '^IV' and (internal.error_text(got)).hint is null then
            return next;
        end if;
    end loop;
    if v_before <> (select coalesce(string_agg(concat_ws(' ', s.item_id, s.location_id, s.version), ','
        order by s.item_id, s.location_id), '') from inventory.stock_level as s) then
        return query select 'all', 'nothing changed', 'something changed';
    end if;
end
$$;
