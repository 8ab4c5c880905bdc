-- Forgets idempotency keys older than the given age, at most max_count in one call. Returns how many.
-- Keys of ingest (callers ingest:<topic>) stay at least nine days: Kafka may hand its records out again for as long as the topics have them, which is
-- seven days and at most one more until a segment is closed (cdc/src/topics.rs), and the event must find its key then.
-- Errors: IV008 if the age is under an hour (a retry could then be applied twice). Audited. Security definer because only the owner writes tables.
create or replace function api.purge_idempotency_keys(older_than interval default '24 hours', max_count integer default 10000)
returns bigint
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_purged bigint;
    v_before timestamptz;
begin
    if older_than is null or older_than < interval '1 hour' then
        perform internal.raise_error('IV008', internal.problem('older_than', 'must be at least one hour'));
    elsif max_count is null or max_count not between 1 and 1000000 then
        perform internal.raise_error('IV008', internal.problem('max_count', 'must be 1 to 1000000'));
    end if;
    -- No clock goes back as far as the longest interval does.
    v_before := clock_timestamp() - least(older_than, interval '4000 years');
    delete from inventory.idempotency_key as k
    where k.ctid = any (array(
        select d.ctid
        from inventory.idempotency_key as d
        where d.created_at < v_before
            and (d.created_at < clock_timestamp() - interval '9 days' or not starts_with(d.caller, 'ingest:'))
        limit max_count));
    get diagnostics v_purged = row_count;
    if v_purged > 0 then
        insert into inventory.audit_entry (action, detail)
        values ('purge_idempotency_keys', jsonb_build_object('older_than', older_than, 'purged', v_purged));
    end if;
    return v_purged;
end
$$;

revoke execute on function api.purge_idempotency_keys(interval, integer) from public;
grant execute on function api.purge_idempotency_keys(interval, integer) to onhand_api, onhand_operator;
comment on function api.purge_idempotency_keys(interval, integer) is 'Forgets idempotency keys older than the given age; those of ingest stay at least nine days.';
