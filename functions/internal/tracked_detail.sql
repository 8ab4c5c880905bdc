-- What the ledger keeps of a line that names lots or serial numbers; null for others.
create or replace function internal.tracked_detail(line jsonb)
returns jsonb
language sql
immutable
set search_path = ''
as $$
    select nullif(jsonb_strip_nulls(jsonb_build_object('lot', line -> 'lot', 'serials', line -> 'serials')), '{}')
$$;

comment on function internal.tracked_detail(jsonb) is 'What the ledger keeps of a line that names lots or serial numbers.';
