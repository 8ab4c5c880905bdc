-- Refuses a write that was decided on another version of a row than the one it has (0 = there is none yet). Null expects nothing. The row is locked.
-- Errors: IV006 stale_version; DETAIL says what it is about, and its version.
create or replace function internal.expect_version(expected bigint, version bigint, about jsonb)
returns void
language plpgsql
immutable
set search_path = ''
as $$
begin
    if expected <> coalesce(version, 0) then
        perform internal.raise_error('IV006', about || jsonb_build_object('version', coalesce(version, 0)));
    end if;
end
$$;

comment on function internal.expect_version(bigint, bigint, jsonb) is 'Refuses a write that was decided on another version of a row.';
