-- A quantity as a supplier delivers it: at least the minimum, in whole packs, at most 10^12; 0 stays 0.
create or replace function internal.whole_packs(quantity bigint, minimum bigint, multiple bigint)
returns bigint
language sql
immutable
parallel safe
set search_path = ''
as $$
    select case when quantity <= 0 then 0 when quantity > 0 then least(ceil(greatest(quantity, coalesce(minimum, 1))::numeric / coalesce(multiple, 1))
        * coalesce(multiple, 1), 1000000000000 / coalesce(multiple, 1) * coalesce(multiple, 1)) end::bigint
$$;

comment on function internal.whole_packs(bigint, bigint, bigint) is 'A quantity as a supplier delivers it: at least the minimum, in whole packs.';
