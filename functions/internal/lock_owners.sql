-- Lets one batch at a time replace what an owner holds: two at once would each free what was there before, and both new holds would stand.
-- By advisory locks, in one order, taken before any row: an owner has no row of its own.
create or replace function internal.lock_owners(commands internal.command[])
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_owner bigint;
begin
    for v_owner in
        select distinct hashtextextended('onhand.owner ' || c.owner, 0) as owner
        from unnest(commands) as c
        where c.body ? 'replace' and c.owner is not null
        order by owner
    loop
        perform pg_advisory_xact_lock(v_owner);
    end loop;
end
$$;

comment on function internal.lock_owners(internal.command[]) is 'Lets one batch at a time replace what an owner holds.';
