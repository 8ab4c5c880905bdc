-- A single add, remove, adjust or reserve of one line on a row that exists: what most direct calls are, without the arrays of a
-- batch. Decides by the same internal.refusal_of and writes the same rows; a test compares the two ways.
-- Returns null, having changed nothing, for what it does not do: keys, chosen ids, several lines, a missing or empty row, a hold that is due, anything special.
create or replace function internal.apply_single(command internal.command)
returns internal.answer
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_line internal.line;
    v_level internal.level;
    v_refused text;
    v_now timestamptz;
begin
    if command.special or command.op not in ('add', 'remove', 'adjust', 'reserve') or command.code is not null
        or command.body ?| '{idempotency_key,reservation_id,lines}' then
        return null;
    end if;
    v_line := internal.single_line(command);
    if v_line.special then
        return null;
    elsif v_line.code is not null then
        return row(command.ordinal, 'refused', v_line.code, (internal.error_text(v_line.code)).message, v_line.detail,
            null)::internal.answer;
    end if;
    v_level := internal.lock_level(v_line.item_id, v_line.location_id);
    v_now := clock_timestamp();
    if v_level is null or v_level.special or v_level.next_hold_at <= v_now then
        return null;
    end if;
    v_refused := internal.refusal_of(v_line, v_level);
    if v_refused is not null then
        return row(command.ordinal, 'refused', v_refused, (internal.error_text(v_refused)).message,
            internal.refusal_detail(v_line, v_level), null)::internal.answer;
    end if;
    if v_level.on_hand = 0 and v_level.reserved = 0 then
        -- Nothing may be there: the item may have been changed since it was read, and has to be looked at again.
        return null;
    end if;
    v_line.on_hand := v_level.on_hand + v_line.on_hand_delta;
    v_line.reserved := v_level.reserved + v_line.reserved_delta;
    v_line.version := v_level.next_version;
    perform internal.ensure_movement_partition(v_now);
    return internal.write_single(command, v_line, v_level, v_now);
end
$$;

comment on function internal.apply_single(internal.command) is 'Applies a single plain command to an existing row; null for what it does not do.';
