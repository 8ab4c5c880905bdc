-- How bad a severity is, so that two can be compared: info 1, warning 2, critical 3.
create or replace function internal.severity_rank(severity text)
returns integer
language sql
immutable
parallel safe
return pg_catalog.array_position('{info,warning,critical}'::text[], severity);

comment on function internal.severity_rank(text) is 'How bad a severity is, so that two can be compared.';
