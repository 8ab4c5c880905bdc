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
