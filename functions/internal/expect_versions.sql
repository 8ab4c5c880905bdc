-- Refuses entries whose expected_version (0 = made now) is not the one that their row had before it was written: versions_before has it for
-- those that were written, versions_now has all. The rows are locked. Errors: IV006 stale_version; DETAIL names the entry, its key and the version.
create or replace function internal.expect_versions(entries jsonb, key text, versions_before jsonb, versions_now jsonb)
returns void
language plpgsql
immutable
set search_path = ''
as $$
declare
    v_stale record;
begin
    select e.position - 1 as entry, e.body ->> key as key, v.version into v_stale
    from jsonb_array_elements(entries) with ordinality as e (body, position)
    cross join lateral (select coalesce(versions_before -> (e.body ->> key), versions_now -> (e.body ->> key))::bigint) as v (version)
    where (e.body -> 'expected_version')::bigint <> v.version
    order by e.position
    limit 1;
    if found then
        perform internal.raise_error('IV006', jsonb_build_object('entry', v_stale.entry, expect_versions.key, v_stale.key,
            'version', v_stale.version));
    end if;
end
$$;

comment on function internal.expect_versions(jsonb, text, jsonb, jsonb) is 'Refuses entries whose expected version is not that of their row.';
