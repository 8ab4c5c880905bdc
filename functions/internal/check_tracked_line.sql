-- Refuses what a command names and must not, or in a wrong form. Errors: IV008, IV023.
create or replace function internal.check_tracked_line(change internal.tracked_change)
returns void
language plpgsql
stable
set search_path = ''
as $$
declare
    v_problem constant jsonb := internal.check_tracking(change.line, '');
begin
    if v_problem is not null then
        perform internal.raise_error('IV008', v_problem);
    elsif change.tracking = 'lot' and change.line ? 'serials' then
        perform internal.refuse_tracked(change, 'IV023', internal.problem('serials', 'the item is tracked by lot, not by serial number'));
    elsif change.tracking = 'serial' and change.movement = 'reserve' and change.line ? 'lot' and not change.line ? 'serials' then
        perform internal.refuse_tracked(change, 'IV023', internal.problem('serials', 'name the units: a reservation of this item holds no lot'));
    end if;
end
$$;

comment on function internal.check_tracked_line(internal.tracked_change) is 'Refuses what a command names and must not, or in a wrong form.';
