-- How the answers about a level begin. Inlined by the planner: no set clause.
create or replace function internal.plain_answer_start(sku text, item_id uuid, location_id text)
returns text
language sql
stable
parallel safe
return '{"levels":[{"sku":' || to_json(sku) || ',"item_id":"' || item_id || '","location":' || to_json(location_id) || ',"quantity":';

comment on function internal.plain_answer_start(text, uuid, text) is 'How the answers about a level begin.';
