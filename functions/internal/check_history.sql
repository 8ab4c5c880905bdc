-- Refuses an instant whose movements were retired: IV033, DETAIL names the first instant that can be answered.
create or replace function internal.check_history(instant timestamptz)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
    if instant < internal.history_start() then
        perform internal.raise_error('IV033', jsonb_build_object(
            'as_of', instant, 'first_instant', internal.history_start()));
    end if;
end
$$;

comment on function internal.check_history(timestamptz) is 'Refuses an instant whose movements were retired.';
