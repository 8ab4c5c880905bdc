-- Lifts rows of a table below this version to it, in no order; returns how many. Either waits for rows that somebody holds, or passes them over.
create or replace function internal.renew_rows(target text, version_floor bigint, max_rows bigint, wait boolean)
returns bigint
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_rows bigint;
begin
    execute format('
        update inventory.%1$I as t
        set version = $1
        where t.ctid = any (array(select r.ctid from inventory.%1$I as r where r.version < $1 limit $2 for no key update %2$s))',
        target, case when wait then '' else 'skip locked' end)
    using version_floor, max_rows;
    get diagnostics v_rows = row_count;
    return v_rows;
end
$$;

comment on function internal.renew_rows(text, bigint, bigint, boolean) is 'Lifts rows of a table below this version to it.';
