-- The audit trail: who did what that is not a movement of stock, newest first. action names one kind, such as set_stock_policy. Page on
-- with before => the id of the last row. Errors: IV008 if max_rows is not 1 to 1000. Locks nothing.
-- Security definer because callers of api have no right on the tables.
create or replace function api.get_audit_entries(since timestamptz default null, action text default null,
    max_rows integer default 100, before bigint default null)
returns setof api.audit_record
language plpgsql
stable
security definer
rows 100
set search_path = ''
as $$
begin
    if max_rows is null or max_rows not between 1 and 1000 then
        perform internal.raise_error('IV008', internal.problem('max_rows', 'must be 1 to 1000'));
    end if;
    return query
    select e.id, e.at, e.actor, e.action, e.detail
    from inventory.audit_entry as e
    where e.id < coalesce(before, 9223372036854775807)
        and e.at >= coalesce(since, '-infinity')
        and (get_audit_entries.action is null or e.action = get_audit_entries.action)
    order by e.id desc
    limit max_rows;
end
$$;

revoke execute on function api.get_audit_entries(timestamptz, text, integer, bigint) from public;
grant execute on function api.get_audit_entries(timestamptz, text, integer, bigint) to onhand_operator;
comment on function api.get_audit_entries(timestamptz, text, integer, bigint) is 'The audit trail, newest first.';
