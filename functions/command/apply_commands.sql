-- Applies a batch of commands of any kind and answers each one. A refused command changes nothing and does not disturb its
-- neighbours; commands on one key are decided in the order given; a command with several lines is all or nothing.
-- Locks: stock_level rows in (item_id, location_id) order, then reservations in id order.
-- A refused one has the message, detail and hint that the function for that single operation raises.
-- Errors: IV008 if commands is no array or caller or source is too long, IV013 above 1,000 commands; refusals are rows of the answer, not errors.
-- Idempotent by the idempotency_key of each command, within its caller; security definer because only the owner writes tables.
create or replace function api.apply_commands(commands jsonb, caller text default null, source text default 'sql')
returns table (ordinal integer, outcome text, code text, message text, detail jsonb, answer jsonb, hint text)
language plpgsql
volatile
security definer
rows 100
set search_path = ''
as $$
#variable_conflict use_column
declare
    v_commands internal.command[];
    v_traits record;
    v_answers internal.answer[];
    v_answer internal.answer;
begin
    if jsonb_typeof(commands) is distinct from 'array' then
        perform internal.raise_error('IV008', internal.problem('commands', 'must be an array of objects'));
    elsif length(caller) > 200 or length(source) not between 1 and 100 then
        perform internal.raise_error('IV008', internal.problem('caller, source', 'must be texts of at most 200 and 1 to 100 characters'));
    elsif jsonb_array_length(commands) > 1000 then
        perform internal.raise_error('IV013', jsonb_build_object('entries', jsonb_array_length(commands), 'most', 1000));
    elsif jsonb_array_length(commands) = 0 then
        return;
    end if;
    if jsonb_array_length(commands) = 1 then
        v_commands := array[internal.parse_command(commands -> 0, 0, caller, source)];
        v_answer := internal.apply_single(v_commands[1]);
        if v_answer.outcome is not null then
            return query select (v_answer).*, case when (v_answer).code is not null then (internal.error_text((v_answer).code)).hint end;
            return;
        end if;
    else
        return query select p.*, null::text from internal.apply_plain(commands, caller, source) as p;
        if found then
            return;
        end if;
        v_commands := internal.parse_commands(commands, caller, source);
    end if;
    v_traits := internal.batch_traits(v_commands);
    if v_traits.keyed or v_traits.races then
        v_answers := internal.apply_guarded(v_commands, v_traits.mixed);
    else
        v_answers := internal.apply_batch(v_commands, v_traits.mixed, 5);
    end if;
    return query
    select a.ordinal, a.outcome, a.code, a.message, a.detail, a.answer,
        case when a.code is not null then (internal.error_text(a.code)).hint end
    from unnest(v_answers) as a
    order by a.ordinal;
end
$$;

revoke execute on function api.apply_commands(jsonb, text, text) from public;
grant execute on function api.apply_commands(jsonb, text, text) to onhand_api, onhand_operator;
comment on function api.apply_commands(jsonb, text, text) is 'Applies a batch of at most 1,000 commands and answers each one: applied, replayed or refused.';
