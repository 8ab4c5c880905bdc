-- A JSON number as bigint; null for everything that is no whole number or does not fit, so that a caller can refuse it.
create or replace function internal.json_integer(value jsonb)
returns bigint
language sql
immutable
parallel safe
return case
    when pg_catalog.jsonb_typeof(value) = 'number'
        and value::numeric between -9223372036854775808 and 9223372036854775807
        and value::numeric = pg_catalog.trunc(value::numeric)
    then value::bigint
end;

comment on function internal.json_integer(jsonb) is 'A JSON whole number as bigint, null for anything else.';
