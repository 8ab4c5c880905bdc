-- Balances of an item at an instant in the past, at one location or at all that it was at by then, with the settings of then.
-- by => 'recorded': what the ledger said at that instant; the same as api.get_stock_level(as_of => …), and repeatable for ever.
-- by => 'occurred': what we know now of that instant: also what had happened by then and was reported later (occurred_at). It changes as
-- facts come in; a fact that was reported without the one it rests on may take a number below zero for a while.
-- Both leave out what holds kept that had run out by then. The version is that of the last movement that counts.
-- Errors: IV008 without an instant or for another by, IV033 history_retired before the first instant that is still kept in detail.
-- Unknown item or location: no rows. Locks nothing. Security definer because readers of api have no right on the tables.
create or replace function api.get_stock_as_of(sku text, as_of timestamptz, location text default null, by text default 'recorded')
returns setof api.stock_state
language plpgsql
stable
security definer
rows 20
set search_path = ''
as $$
begin
    if as_of is null then
        perform internal.raise_error('IV008', internal.problem('as_of', 'is required'));
    elsif by is null or by not in ('recorded', 'occurred') then
        perform internal.raise_error('IV008', internal.problem('by', 'must be recorded or occurred'));
    end if;
    return query select s.* from internal.stock_level_as_of(sku, location, as_of, by = 'occurred') as s;
end
$$;

revoke execute on function api.get_stock_as_of(text, timestamptz, text, text) from public;
grant execute on function api.get_stock_as_of(text, timestamptz, text, text) to onhand_api, onhand_reader;
comment on function api.get_stock_as_of(text, timestamptz, text, text) is 'Balances of an item at an instant in the past, as they were recorded by then or as they had occurred.';
