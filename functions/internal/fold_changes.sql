-- One step of the fold; its caller holds the lock of the summaries. Which movements are new is known exactly, in whatever order
-- transactions commit, because each row says which transaction wrote it: new is what is numbered from next_transaction on, and what
-- belongs to a transaction that had not ended at the last fold. The instant at which that is decided lies before the reading of the
-- ledger, and this before that of the levels: what comes between is found again next time, and nothing is lost.
-- A fold that finds nothing writes nothing: the mark that it leaves stays true.
create or replace function internal.fold_changes(max_movements integer, out movements bigint, out items bigint, out changed bigint,
    out caught_up boolean)
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_started constant timestamptz := clock_timestamp();
    v_fold inventory.stock_summary_fold := (select f from inventory.stock_summary_fold as f);
    v_snapshot constant pg_snapshot := pg_current_snapshot();
    v_open bigint[];
    v_found record;
    v_rest uuid[] := '{}';
    v_items uuid[];
begin
    -- The transaction that this runs in has not ended either: it may have written before, and may go on.
    v_open := array(select x::text::bigint from pg_snapshot_xip(v_snapshot) as x
        union select pg_current_xact_id_if_assigned()::text::bigint where pg_current_xact_id_if_assigned() is not null);
    v_items := internal.retyped_items();
    v_found := internal.changed_items(v_fold.next_transaction, pg_snapshot_xmax(v_snapshot)::text::bigint,
        v_fold.open_transactions || pg_current_xact_id_if_assigned()::text::bigint, max_movements);
    if v_fold.rebuilt_to is not null then
        v_rest := internal.items_after(v_fold.rebuilt_to, max_movements);
    end if;
    v_items := array(select distinct i from unnest(v_items || v_found.items || v_rest) as i order by i);
    movements := v_found.movements;
    items := cardinality(v_items);
    changed := 0;
    caught_up := v_found.reached >= pg_snapshot_xmax(v_snapshot)::text::bigint and cardinality(v_rest) < max_movements;
    if items = 0 and v_fold.rebuilt_to is null then
        return;
    end if;
    changed := internal.write_summaries(v_items);
    update inventory.stock_summary_fold as f
    set next_transaction = v_found.reached,
        open_transactions = array(select o from unnest(v_open) as o where o < v_found.reached),
        rebuilt_to = case when cardinality(v_rest) = max_movements then v_rest[max_movements] end,
        rebuild_started_at = case when cardinality(v_rest) = max_movements then f.rebuild_started_at end,
        folded_at = v_started, folded_by = session_user, duration = clock_timestamp() - v_started, movements = v_found.movements;
end
$$;

comment on function internal.fold_changes(integer) is 'One step of the fold of the summaries.';
