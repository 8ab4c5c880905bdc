-- Retired months whose table is still in schema archive and is not what it was when it was detached.
create or replace function internal.check_archive()
returns setof api.finding
language sql
stable
set search_path = ''
as $$
    select 'a retired month is what it was when it was detached', null, null,
        jsonb_build_object('month', r.month, 'table', r.table_name, 'kept', jsonb_build_object('movements', r.movements,
            'digest', r.digest), 'found', jsonb_build_object('movements', d.movements, 'digest', d.digest))
    from inventory.retired_partition as r
    cross join lateral internal.movements_digest(to_regclass(r.table_name)) as d
    where to_regclass(r.table_name) is not null and (d.movements, d.digest) is distinct from (r.movements, r.digest)
$$;

comment on function internal.check_archive() is 'Retired months whose table is not what it was when it was detached.';
