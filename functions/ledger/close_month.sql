-- Makes the closing balances of a finished month (UTC; any day of it may be given) from those of the month before and its own movements.
-- Months are closed one after the other, the first being the first that has movements. Answers about the past begin at them, and closed
-- months may be retired. Writes go on meanwhile: a late fact is recorded today, with its occurred_at, and never posted into a closed month.
-- Errors: IV008 if the month has not ended or is not the next one. Idempotent: a month that is closed stays as it is, except for movements
-- that a clock set back has put there since. Waits for open transactions with movements in that month. Audited.
-- Security definer because only the owner writes tables.
create or replace function api.close_month(month date)
returns setof api.closed_month
language plpgsql
volatile
security definer
rows 1
set search_path = ''
as $$
declare
    -- A date reaches further than a timestamp does.
    v_month constant date := case when month between '0001-01-01' and '9999-12-31' then date_trunc('month', month::timestamp)::date end;
    v_next date;
    v_levels bigint;
begin
    if month is null then
        perform internal.raise_error('IV008', internal.problem('month', 'is required'));
    elsif v_month is null then
        perform internal.raise_error('IV008', internal.problem('month', 'must lie in the years 1 to 9999'));
    elsif internal.month_end(v_month) > clock_timestamp() then
        perform internal.raise_error('IV008', internal.problem('month', 'has not ended'));
    end if;
    perform internal.lock_month(v_month);
    v_next := internal.next_month_to_close();
    if exists (select from inventory.closed_month as c where c.month = v_month) then
        -- The movements of a retired month are gone, and were checked when it was retired.
        if internal.month_start(v_month) >= internal.history_start() and internal.renew_closings(v_month) > 0 then
            insert into inventory.audit_entry (action, detail)
            values ('renew_closings', jsonb_build_object('month', v_month));
        end if;
    elsif v_month is distinct from v_next then
        perform internal.raise_error('IV008', internal.problem('month', 'is not the next to be closed')
            || jsonb_build_object('next', v_next));
    else
        v_levels := internal.write_closings(v_month);
        insert into inventory.closed_month (month, levels, movements)
        select v_month, v_levels, count(*)
        from inventory.stock_movement as m
        where m.recorded_at >= internal.month_start(v_month) and m.recorded_at < internal.month_end(v_month);
        insert into inventory.audit_entry (action, detail)
        select 'close_month', jsonb_build_object('month', v_month, 'levels', c.levels, 'movements', c.movements)
        from inventory.closed_month as c
        where c.month = v_month;
    end if;
    return query
    select c.month, c.levels, c.movements, c.closed_at from inventory.closed_month as c where c.month = v_month;
end
$$;

revoke execute on function api.close_month(date) from public;
grant execute on function api.close_month(date) to onhand_operator;
comment on function api.close_month(date) is 'Makes the closing balances of a finished month from those of the month before and its own movements.';
