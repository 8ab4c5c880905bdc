-- Makes a location or changes it by its id; null keeps what it has. See api.upsert_locations, to which it delegates.
-- Errors: IV006 stale_version, IV007, IV008 invalid_argument. Security definer because only the owner writes tables.
create or replace function api.upsert_location(id text, name text default null, type text default null,
    priority integer default null, status text default null, address jsonb default null, metadata jsonb default null,
    idempotency_key text default null, expected_version bigint default null)
returns setof api.location_change
language sql
volatile
security definer
rows 1
set search_path = ''
as $$
    select u.*
    from api.upsert_locations(jsonb_build_array((
        -- Only what is null itself is left out: a null inside metadata is data.
        select jsonb_object_agg(f.name, f.value)
        from jsonb_each(jsonb_build_object('id', id, 'name', name, 'type', type, 'priority', priority, 'status', status,
            'address', address, 'metadata', metadata, 'expected_version', expected_version)) as f (name, value)
        where f.value <> 'null'
    )), idempotency_key) as u
$$;

revoke execute on function api.upsert_location(text, text, text, integer, text, jsonb, jsonb, text, bigint) from public;
grant execute on function api.upsert_location(text, text, text, integer, text, jsonb, jsonb, text, bigint) to onhand_api, onhand_operator;
comment on function api.upsert_location(text, text, text, integer, text, jsonb, jsonb, text, bigint) is 'Makes a location or changes it by its id.';
