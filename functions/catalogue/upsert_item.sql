-- Makes an item or changes it by its sku; null keeps what it has. See api.upsert_items, to which it delegates.
-- Errors: IV003 unknown parent_sku, IV006 stale_version, IV007, IV008 invalid_argument. Security definer because only the owner writes tables.
create or replace function api.upsert_item(sku text, name text default null, description text default null,
    kind text default null, parent_sku text default null, category text default null, unit_of_measure text default null,
    tags text[] default null, dimensions jsonb default null, metadata jsonb default null, status text default null,
    tracking text default null, idempotency_key text default null, expected_version bigint default null)
returns setof api.item_change
language sql
volatile
security definer
rows 1
set search_path = ''
as $$
    select u.*
    from api.upsert_items(jsonb_build_array((
        -- Only what is null itself is left out: a null inside metadata is data.
        select jsonb_object_agg(f.name, f.value)
        from jsonb_each(jsonb_build_object('sku', sku, 'name', name, 'description', description, 'kind', kind,
            'parent_sku', parent_sku, 'category', category, 'unit_of_measure', unit_of_measure, 'tags', tags,
            'dimensions', dimensions, 'metadata', metadata, 'status', status, 'tracking', tracking,
            'expected_version', expected_version)) as f (name, value)
        where f.value <> 'null'
    )), idempotency_key) as u
$$;

revoke execute on function api.upsert_item(text, text, text, text, text, text, text, text[], jsonb, jsonb, text, text, text, bigint) from public;
grant execute on function api.upsert_item(text, text, text, text, text, text, text, text[], jsonb, jsonb, text, text, text, bigint)
    to onhand_api, onhand_operator;
comment on function api.upsert_item(text, text, text, text, text, text, text, text[], jsonb, jsonb, text, text, text, bigint) is 'Makes an item or changes it by its sku.';
