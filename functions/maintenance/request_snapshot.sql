-- Orders an incremental snapshot of a captured table from the connector, beside the running stream: all its rows, or those that fulfil a
-- condition on its columns. Returns the id of the order; the connector's notifications carry it. The condition is read by the connector with
-- its own few rights. Row versions make the rows harmless to whoever has them already. Audited.
-- Errors: IV008 (a table that is not captured, a condition that is blank, too long, or more than a condition).
-- Security definer because only the owner writes tables.
create or replace function api.request_snapshot(table_name text, condition text default null)
returns text
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_id constant text := gen_random_uuid()::text;
    v_full_name constant text := 'inventory.' || table_name;
    v_data jsonb := jsonb_build_object('type', 'incremental', 'data-collections', jsonb_build_array(v_full_name));
begin
    if not exists (
        select from pg_catalog.pg_publication_tables as t
        where t.pubname = 'onhand_publication' and t.schemaname = 'inventory' and t.tablename = table_name
            and t.tablename not like 'debezium\_%'
    ) then
        perform internal.raise_error('IV008', internal.problem('table_name', 'is no captured table'));
    end if;
    if condition is not null then
        if btrim(condition) = '' or length(condition) > 1000 then
            perform internal.raise_error('IV008', internal.problem('condition', 'must have 1 to 1000 characters'));
        end if;
        -- The connector puts it between brackets into a statement of its own.
        if condition ~ ';|--|/\*' then
            perform internal.raise_error('IV008', internal.problem('condition', 'must be one condition, without ; and comments'));
        end if;
        v_data := v_data || jsonb_build_object('additional-conditions',
            jsonb_build_array(jsonb_build_object('data-collection', v_full_name, 'filter', condition)));
    end if;
    insert into inventory.debezium_signal (id, type, data)
    values (v_id, 'execute-snapshot', v_data::text);
    insert into inventory.audit_entry (action, detail)
    values ('request_snapshot', jsonb_strip_nulls(jsonb_build_object('table', table_name, 'condition', condition, 'id', v_id)));
    return v_id;
end
$$;

revoke execute on function api.request_snapshot(text, text) from public;
grant execute on function api.request_snapshot(text, text) to onhand_api, onhand_operator;
comment on function api.request_snapshot(text, text) is 'Orders an incremental snapshot of a captured table from the connector.';
