-- Makes the monthly partition of the ledger that an instant falls into, if nobody made it ahead: a write never fails for want of
-- a partition. One catalogue look-up when it is there. Two sessions at once: the second waits and finds it made.
create or replace function internal.ensure_movement_partition(instant timestamptz)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_month constant timestamp := date_trunc('month', instant at time zone 'UTC');
    v_name constant text := 'stock_movement_' || to_char(v_month, '"y"YYYY"m"MM');
begin
    if to_regclass('inventory.' || v_name) is not null then
        return;
    end if;
    perform pg_advisory_xact_lock(hashtext('onhand.stock_movement.partition'));
    if to_regclass('inventory.' || v_name) is not null then
        return;
    end if;
    -- Made apart and attached: attaching does not stop writers of other months, as making it in place would.
    execute format('create table inventory.%I (like inventory.stock_movement including defaults including constraints)', v_name);
    execute format(
        'alter table inventory.stock_movement attach partition inventory.%I for values from (%L) to (%L)',
        v_name, v_month at time zone 'UTC', (v_month + interval '1 month') at time zone 'UTC');
    -- Row triggers of the ledger reach a partition by themselves, statement triggers do not.
    execute format('create trigger stock_movement_no_truncate before truncate on inventory.%I '
        'for each statement execute function internal.refuse_change()', v_name);
    execute format('grant select on inventory.%I to onhand_reader', v_name);
end
$$;

comment on function internal.ensure_movement_partition(timestamptz) is 'Makes the ledger partition that an instant falls into, if it is missing.';
