-- Raises the epoch: every row version written from now on is higher than any written before, also than those that a restore lost.
-- Call it after a restore, a promotion or a point-in-time recovery, before writers come back. Returns the new epoch.
-- Errors: IV008 without a reason. Audited. Security definer because only the owner writes tables.
create or replace function api.raise_epoch(reason text)
returns integer
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_epoch integer;
begin
    if coalesce(length(btrim(reason)), 0) = 0 then
        perform internal.raise_error('IV008', internal.problem('reason', 'is required'));
    end if;
    insert into inventory.epoch (epoch, version_floor, reason)
    select max(e.epoch) + 1, (max(e.epoch) + 1) * 1099511627776::bigint, raise_epoch.reason
    from inventory.epoch as e
    returning epoch.epoch into v_epoch;
    insert into inventory.audit_entry (action, detail)
    values ('raise_epoch', jsonb_build_object('epoch', v_epoch, 'reason', raise_epoch.reason));
    return v_epoch;
end
$$;

revoke execute on function api.raise_epoch(text) from public;
grant execute on function api.raise_epoch(text) to onhand_admin;
comment on function api.raise_epoch(text) is 'Raises the epoch, so that row versions written from now on are higher than any before.';
