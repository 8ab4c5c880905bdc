-- Whether nothing appears or vanishes unexplained: each level is the sum of its ledger; reserved and backordered units are those of open
-- reservation lines, units in transit those of open transfers, incoming ones those of open orders, and lots and serial numbers add up to their level; what a
-- transfer shipped has arrived, was lost with a reason, came back or is in transit; moves in one step arrive whole; each movement changes
-- only what its type may, with a reason where one is required.
-- Each row is one violation; none = all is well. since: only what changed from that instant on, which takes time by what changed and not by
-- the length of the history. Sees one snapshot, so that it may run while others write. Locks nothing.
-- Security definer because its callers have no right on the tables.
create or replace function api.check_conservation(since timestamptz default null)
returns setof api.finding
language sql
stable
security definer
rows 1
set search_path = ''
as $$
    select f.* from internal.check_sums(since) as f
    union all
    select f.* from internal.check_holds(since) as f
    union all
    select f.* from internal.check_transit(since) as f
    union all
    select f.* from internal.check_incoming(since) as f
    union all
    select f.* from internal.check_units(since) as f
    union all
    select f.* from internal.check_transfers(since) as f
    union all
    select f.* from internal.check_movements(since) as f
$$;

revoke execute on function api.check_conservation(timestamptz) from public;
grant execute on function api.check_conservation(timestamptz) to onhand_api, onhand_reader;
comment on function api.check_conservation(timestamptz) is 'Whether no stock appears or vanishes unexplained: each row is a violation.';
