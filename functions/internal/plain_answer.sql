-- The answer to an accepted plain command: what internal.answer_commands says. Put together as text, which takes less time than building it from
-- its values, and only numbers, dates and our own words come after its start, which need no escaping. Inlined by the planner: no set clause.
create or replace function internal.plain_answer(answer_start text, quantity bigint, on_hand bigint, reserved bigint, available bigint,
    status text, version bigint, op text, reservation_id uuid, expires_at timestamptz)
returns jsonb
language sql
stable
parallel safe
return (answer_start || quantity || ',"on_hand":' || on_hand || ',"reserved":' || reserved || ',"available":' || available
    || ',"status":"' || status || '","version":' || version
    || coalesce('}],"reservation_id":"' || reservation_id || '","status":"' || case op when 'confirm' then 'COMMITTED"}' when 'cancel' then 'RELEASED"}'
        else 'PENDING","expires_at":' || to_json(expires_at) || '}' end, '}]}'))::jsonb;

comment on function internal.plain_answer(text, bigint, bigint, bigint, bigint, text, bigint, text, uuid, timestamptz) is 'The answer to an accepted plain command.';
