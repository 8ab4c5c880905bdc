-- Refuses what was counted of an item if its form is wrong, or does not fit the way the item is tracked. A unit by serial number is there or is not:
-- their number is the count. Errors: IV008, IV012, IV023.
create or replace function internal.check_counted(item inventory.item, counted bigint, counted_at timestamptz, lot text,
    serials text[], instant timestamptz)
returns void
language plpgsql
immutable
set search_path = ''
as $$
declare
    v_problem jsonb := internal.check_tracking(jsonb_strip_nulls(jsonb_build_object('lot', lot, 'serials', nullif(serials, '{}'))), '');
begin
    v_problem := coalesce(v_problem, case
        when counted is null then internal.problem('counted', 'is required')
        when counted < 0 then internal.problem('counted', 'must be 0 or more')
        when counted_at > instant or counted_at < '0001-01-01 00:00:00+00'
            then internal.problem('counted_at', 'must lie in the past, in the year 1 or later') end);
    if v_problem is not null then
        perform internal.raise_error('IV008', v_problem);
    elsif counted > 1000000000000 then
        perform internal.raise_error('IV012', jsonb_build_object('sku', item.sku, 'counted', counted));
    end if;
    v_problem := case
        when item.tracking = 'lot' and lot is null then internal.problem('lot', 'is required: the item is tracked by lot')
        when item.tracking <> 'lot' and lot is not null then internal.problem('lot', 'the item is not counted by lot')
        when item.tracking <> 'serial' and serials is not null
            then internal.problem('serials', 'the item is not tracked by serial number')
        when item.tracking = 'serial' and cardinality(coalesce(serials, '{}')) <> counted
            then internal.problem('serials', 'must name each unit that was counted')
        when item.tracking = 'serial' and (select count(distinct n) from unnest(serials) as n) <> counted
            then internal.problem('serials', 'names a serial number twice') end;
    if v_problem is not null then
        perform internal.raise_error('IV023', v_problem || jsonb_build_object('sku', item.sku));
    end if;
end
$$;

comment on function internal.check_counted(inventory.item, bigint, timestamptz, text, text[], timestamptz) is 'Refuses what was counted of an item if its form is wrong.';
