-- The first thing wrong with the form of a command, as {"field", "problem"}; null when its form is right.
-- What depends on the tables (unknown sku, stock) is decided later. Runs once for each command, so: plain expressions, no query for
-- a command that is in order, and no set clause of its own (its callers pin the search path).
create or replace function internal.check_command(command jsonb)
returns jsonb
language plpgsql
volatile
as $$
declare
    v_op text;
    v_problem jsonb;
begin
    if jsonb_typeof(command) <> 'object' then
        return internal.problem('', 'must be an object');
    end if;
    v_op := command ->> 'op';
    if v_op is null or v_op <> all (internal.command_ops()) then
        return internal.problem('op', 'must be one of ' || array_to_string(internal.command_ops(), ', '));
    elsif command - internal.op_fields(v_op) <> '{}' then
        return internal.check_fields(command, v_op);
    end if;
    if command ?| '{reservation_id,expires_in_seconds,expires_at,expected_version,occurred_at}' then
        v_problem := internal.check_values(command, v_op);
    end if;
    if v_problem is null
        and command ?| '{idempotency_key,owner,reason,reference,correlation_id,user_id,source,traceparent,reason_code}' then
        v_problem := internal.check_texts(command);
    end if;
    if v_problem is null and internal.is_special(command) then
        v_problem := internal.check_special(command);
    end if;
    if v_problem is not null then
        return v_problem;
    elsif v_op in ('add', 'remove', 'reserve') or v_op in ('adjust', 'return', 'quarantine', 'restore', 'write_off') then
        return internal.check_change(command, v_op);
    elsif v_op in ('confirm', 'cancel', 'expire', 'extend', 'relocate') then
        return internal.check_reservation_command(command, v_op);
    elsif v_op in ('move', 'ship') then
        return internal.check_move(command);
    end if;
    return internal.check_paper(command, v_op);
end
$$;

comment on function internal.check_command(jsonb) is 'The first thing wrong with the form of a command; null when its form is right.';
