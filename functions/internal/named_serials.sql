-- The serial numbers that a command names for this change, in its order; null if it names none. Errors: IV023 if one stands there twice.
create or replace function internal.named_serials(change internal.tracked_change)
returns text[]
language plpgsql
stable
set search_path = ''
as $$
declare
    v_serials constant text[] := array(select jsonb_array_elements_text(change.line -> 'serials'));
    v_twice text;
begin
    select s.serial into v_twice from unnest(v_serials) as s (serial) group by s.serial having count(*) > 1 limit 1;
    if v_twice is not null then
        perform internal.refuse_tracked(change, 'IV023', internal.problem('serials', 'names a serial number twice')
            || jsonb_build_object('serials', array[v_twice]));
    end if;
    return nullif(v_serials, '{}');
end
$$;

comment on function internal.named_serials(internal.tracked_change) is 'The serial numbers that a command names for a change.';
