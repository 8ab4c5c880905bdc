-- Refuses a change that does not fit the way its item is tracked: raises the error with the key and what is wrong about it.
create or replace function internal.refuse_tracked(change internal.tracked_change, code text, detail jsonb)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
    perform internal.raise_error(code, jsonb_build_object('sku', change.sku, 'location', change.location_id) || detail);
end
$$;

comment on function internal.refuse_tracked(internal.tracked_change, text, jsonb) is 'Refuses a change that does not fit the way its item is tracked.';
