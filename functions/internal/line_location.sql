-- Where the level is that the expected version of a line belongs to: its own place, else the one that the command takes from or orders for.
create or replace function internal.line_location(body jsonb, line jsonb)
returns text
language sql
immutable
parallel safe
return coalesce(line ->> 'location', body ->> 'location', body ->> 'from');

comment on function internal.line_location(jsonb, jsonb) is 'Where the level is that the expected version of a line belongs to.';
