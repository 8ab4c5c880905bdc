-- The items that movements of these transactions touched: those numbered from since to below until, the oldest first, and those of the
-- list. Of the first at most max_movements, but a transaction is never cut in two; reached is the number from which on some may be left.
create or replace function internal.changed_items(since bigint, until bigint, listed bigint[], max_movements integer,
    out items uuid[], out movements bigint, out reached bigint)
language sql
stable
set search_path = ''
set enable_seqscan = off  -- a plan made while the ledger was empty must not scan it later
set enable_bitmapscan = off
set plan_cache_mode = force_generic_plan  -- planning for each month of the ledger takes longer than reading what is new
as $$
    with tail as materialized (
        select m.transaction_id, m.item_id
        from inventory.stock_movement as m
        where m.transaction_id >= since and m.transaction_id < until
        order by m.transaction_id
        fetch first (max_movements) rows with ties
    ), late as materialized (
        select m.item_id
        from inventory.stock_movement as m
        where m.transaction_id = any (listed) and not (m.transaction_id >= since and m.transaction_id < until)
    ), progress as (
        select count(*) as movements, max(t.transaction_id) as last from tail as t
    )
    select array(select t.item_id from tail as t union select l.item_id from late as l),
        p.movements + (select count(*) from late),
        case when p.movements >= max_movements then p.last + 1 else until end
    from progress as p
$$;

comment on function internal.changed_items(bigint, bigint, bigint[], integer) is 'The items that movements of these transactions touched, at most so many movements.';
