-- Refuses a change that names serial numbers which are not, or not as, they must be; does nothing if there are none of these.
create or replace function internal.refuse_serials(change internal.tracked_change, code text, serials text[])
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
    if cardinality(serials) > 0 then
        perform internal.refuse_tracked(change, code, jsonb_build_object('serials', serials));
    end if;
end
$$;

comment on function internal.refuse_serials(internal.tracked_change, text, text[]) is 'Refuses a change because of some serial numbers; none of them: does nothing.';
