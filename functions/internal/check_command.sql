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
    if v_op is null or v_op <> all ('{add,remove,adjust,move,reserve,confirm,cancel,expire}') then
        return internal.problem('op', 'must be one of add, remove, adjust, move, reserve, confirm, cancel, expire');
    elsif command - internal.command_fields() <> '{}' then
        return internal.problem((select min(k) from jsonb_object_keys(command - internal.command_fields()) as k),
            'is not a field of a command');
    elsif v_op = 'adjust' and not command ? 'reason' then
        return internal.problem('reason', 'is required for an adjustment');
    end if;
    if command ?| '{reservation_id,expires_in_seconds,expires_at,expected_version,occurred_at}' then
        v_problem := internal.check_values(command, v_op);
    end if;
    if v_problem is null
        and command ?| '{idempotency_key,owner,reason,reference,correlation_id,user_id,source,traceparent}' then
        v_problem := internal.check_texts(command);
    end if;
    if v_problem is not null then
        return v_problem;
    elsif v_op in ('confirm', 'cancel', 'expire') then
        return case when not command ? 'reservation_id' then internal.problem('reservation_id', 'is required') end;
    elsif v_op = 'move' then
        return internal.check_move(command);
    elsif command ? 'lines' then
        return internal.check_lines(command, v_op = 'adjust');
    end if;
    return internal.check_line(command, '', v_op = 'adjust');
end
$$;

comment on function internal.check_command(jsonb) is 'The first thing wrong with the form of a command; null when its form is right.';
