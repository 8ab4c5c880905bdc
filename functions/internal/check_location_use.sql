-- Refuses a location that does not exist (IV004) or, where stock is received or reserved there, is closed (IV011).
create or replace function internal.check_location_use(location text, enters boolean)
returns void
language plpgsql
stable
set search_path = ''
as $$
declare
    v_status text;
begin
    select l.status into v_status from inventory.location as l where l.id = check_location_use.location;
    if v_status is null then
        perform internal.raise_error('IV004', jsonb_build_object('location', location));
    elsif v_status = 'closed' and enters then
        perform internal.raise_error('IV011', jsonb_build_object('location', location));
    end if;
end
$$;

comment on function internal.check_location_use(text, boolean) is 'Refuses a location that does not exist or is closed.';
