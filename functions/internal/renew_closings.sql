-- Takes movements into account that a closed month got after it was closed (a clock was set back by more than the grace): its closing
-- balances get a newer version, and so do those of the months behind it that carried them on. Returns how many were written.
create or replace function internal.renew_closings(month date)
returns bigint
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_month date;
    v_written bigint;
    v_all bigint := 0;
begin
    for v_month in
        select c.month from inventory.closed_month as c where c.month >= renew_closings.month order by c.month
    loop
        v_written := internal.write_closings(v_month);
        v_all := v_all + v_written;
        exit when v_written = 0;
    end loop;
    return v_all;
end
$$;

comment on function internal.renew_closings(date) is 'Takes movements into account that a closed month got after it was closed.';
