-- Refuses a command whose expected_version is not that of the row (0 = no row yet). Errors: IV006. The row is locked.
create or replace function internal.check_expected(command internal.command, item_id uuid, location_id text)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_version bigint;
begin
    if command.expected_version is null then
        return;
    end if;
    select s.version into v_version
    from inventory.stock_level as s
    where s.item_id = check_expected.item_id and s.location_id = check_expected.location_id;
    if coalesce(v_version, 0) <> command.expected_version then
        perform internal.raise_error('IV006', jsonb_build_object('location', location_id, 'version', coalesce(v_version, 0)));
    end if;
end
$$;

comment on function internal.check_expected(internal.command, uuid, text) is 'Refuses a command whose expected_version is not that of the row.';
