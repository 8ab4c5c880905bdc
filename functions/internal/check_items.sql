-- Refuses item descriptions that are malformed, or that do not go together with each other or with what the items are. Errors: IV003 unknown
-- parent_sku, IV008 invalid_argument (DETAIL names entry and field).
create or replace function internal.check_items(items jsonb)
returns void
language plpgsql
stable
set search_path = ''
as $$
declare
    v_problem jsonb;
begin
    select r.problem || jsonb_build_object('entry', r.entry - 1) into v_problem
    from internal.item_rows(items) as r
    where r.problem is not null
    order by r.entry
    limit 1;
    if v_problem is null then
        v_problem := internal.item_conflict(items);
    end if;
    if v_problem is not null then
        perform internal.raise_error(coalesce(v_problem ->> 'code', 'IV008'), v_problem - 'code');
    end if;
end
$$;

comment on function internal.check_items(jsonb) is 'Refuses item descriptions that are malformed or contradict what is there.';
