-- What a client needs to know to act on the refusal of a line. Inlined by the planner: no set clause.
create or replace function internal.refusal_detail(line internal.line, level internal.level)
returns jsonb
language sql
immutable
return pg_catalog.jsonb_build_object(
    'sku', (line).sku, 'location', (line).location_id, 'requested', (line).quantity,
    'available', (level).on_hand - (level).reserved, 'version', (level).version);

comment on function internal.refusal_detail(internal.line, internal.level) is 'Sku, location, demand, availability and version at a refusal.';
