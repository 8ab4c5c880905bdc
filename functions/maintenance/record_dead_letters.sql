-- Writes into the audit trail that dead letters are sent again (act redrive) or given up (drop): their topic, how many, and in detail
-- which ones, why and by whom. Called before it takes effect in Kafka, so that nothing is done that is not in the trail.
-- Errors: IV008 (another act, no topic, no letters, detail that is no object). Returns the id of the entry.
-- Security definer because only the owner writes tables.
create or replace function api.record_dead_letters(act text, topic text, letters bigint, detail jsonb default '{}')
returns bigint
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_id bigint;
begin
    if act is null or act not in ('redrive', 'drop') then
        perform internal.raise_error('IV008', internal.problem('act', 'must be redrive or drop'));
    end if;
    if coalesce(length(btrim(topic)), 0) not between 1 and 249 then
        perform internal.raise_error('IV008', internal.problem('topic', 'must have 1 to 249 characters'));
    end if;
    if letters is null or letters < 1 then
        perform internal.raise_error('IV008', internal.problem('letters', 'must be at least 1'));
    end if;
    if jsonb_typeof(detail) is distinct from 'object' then
        perform internal.raise_error('IV008', internal.problem('detail', 'must be an object'));
    end if;
    insert into inventory.audit_entry (action, detail)
    values (act || '_dead_letters',
        record_dead_letters.detail || jsonb_build_object('topic', topic, 'letters', letters))
    returning audit_entry.id into v_id;
    return v_id;
end
$$;

revoke execute on function api.record_dead_letters(text, text, bigint, jsonb) from public;
grant execute on function api.record_dead_letters(text, text, bigint, jsonb) to onhand_api, onhand_operator;
comment on function api.record_dead_letters(text, text, bigint, jsonb) is 'Writes into the audit trail that dead letters are sent again or given up.';
