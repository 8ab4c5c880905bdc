-- Makes all summaries anew, from the next fold on: changes from now on are found in the ledger, what was before in stock_level, item by item.
create or replace function internal.start_rebuild()
returns void
language sql
volatile
set search_path = ''
as $$
    update inventory.stock_summary_fold as f
    set next_transaction = pg_snapshot_xmin(pg_current_snapshot())::text::bigint,
        open_transactions = '{}',
        system_identifier = (select c.system_identifier from pg_catalog.pg_control_system() as c),
        rebuilt_to = '00000000-0000-0000-0000-000000000000',
        rebuild_started_at = clock_timestamp()
$$;

comment on function internal.start_rebuild() is 'Makes all summaries anew, from the next fold on.';
