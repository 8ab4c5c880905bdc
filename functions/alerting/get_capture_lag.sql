-- For the consumer of alerts: how far change capture is behind: seconds since its last heartbeat, and bytes of the write-ahead log that
-- its slot has not confirmed (null without the slot). Locks nothing. Security definer because only readers have a right on the tables.
create or replace function api.get_capture_lag(slot text, out heartbeat_seconds bigint, out slot_bytes bigint)
language sql
volatile
security definer
set search_path = ''
as $$
    select (select extract(epoch from clock_timestamp() - max(h.beat_at))::bigint from inventory.debezium_heartbeat as h),
        (select pg_wal_lsn_diff(pg_current_wal_lsn(), s.confirmed_flush_lsn)::bigint
            from pg_catalog.pg_replication_slots as s
            where s.slot_name = get_capture_lag.slot and s.database = current_database())
$$;

revoke execute on function api.get_capture_lag(text) from public;
grant execute on function api.get_capture_lag(text) to onhand_alerts;
comment on function api.get_capture_lag(text) is 'How far change capture is behind.';
