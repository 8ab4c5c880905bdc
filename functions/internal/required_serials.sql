-- The serial numbers that a command has to name for this change: as many as there are units. Errors: IV023.
create or replace function internal.required_serials(change internal.tracked_change, quantity bigint)
returns text[]
language plpgsql
stable
set search_path = ''
as $$
declare
    v_serials constant text[] := internal.named_serials(change);
begin
    if coalesce(cardinality(v_serials), 0) <> quantity then
        perform internal.refuse_tracked(change, 'IV023', internal.problem('serials', 'must name each unit')
            || jsonb_build_object('requested', quantity, 'named', coalesce(cardinality(v_serials), 0)));
    end if;
    return v_serials;
end
$$;

comment on function internal.required_serials(internal.tracked_change, bigint) is 'The serial numbers that a command has to name for a change.';
