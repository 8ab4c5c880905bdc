-- A command from JSON to a row. One whose form is wrong comes out refused (IV008). A hold lasts 15 minutes (900 s) unless the
-- command says otherwise. The fingerprint leaves out what may differ between a request and its retry (trace, correlation) and the key.
create or replace function internal.parse_command(body jsonb, ordinal integer, caller text, source text)
returns internal.command
language plpgsql
volatile
as $$
declare
    v_command internal.command;
begin
    v_command.ordinal := ordinal;
    v_command.op := body ->> 'op';
    v_command.body := body;
    v_command.detail := internal.check_command(body);
    if v_command.detail is not null then
        v_command.code := 'IV008';
        v_command.special := false;
        return v_command;
    end if;
    v_command.special := internal.is_special(body);
    v_command.caller := coalesce(caller, session_user::text);
    v_command.source := coalesce(body ->> 'source', source, 'sql');
    if body ? 'idempotency_key' then
        v_command.idempotency_key := body ->> 'idempotency_key';
        v_command.fingerprint := internal.fingerprint(body);
    end if;
    if body ? 'reservation_id' then
        v_command.reservation_id := body ->> 'reservation_id';
    end if;
    if v_command.op = 'reserve' then
        v_command.reservation_id := coalesce(v_command.reservation_id, uuidv7());
        v_command.owner := body ->> 'owner';
    end if;
    if v_command.op in ('reserve', 'extend') then
        v_command.expires_at := coalesce((body ->> 'expires_at')::timestamptz, clock_timestamp()
            + make_interval(secs => coalesce((body -> 'expires_in_seconds')::double precision, 900)));
    end if;
    if body ?| '{expected_version,reason,reference,correlation_id,user_id,occurred_at,traceparent}' then
        -- As a number: 5.0 and -0.0 are whole, and no texts of a bigint.
        v_command.expected_version := internal.json_integer(body -> 'expected_version');
        v_command.reason := body ->> 'reason';
        v_command.reference := body ->> 'reference';
        v_command.correlation_id := body ->> 'correlation_id';
        v_command.user_id := body ->> 'user_id';
        v_command.occurred_at := body ->> 'occurred_at';
        v_command.traceparent := body ->> 'traceparent';
    end if;
    return v_command;
end
$$;

comment on function internal.parse_command(jsonb, integer, text, text) is 'A command from JSON to a row; a malformed one comes out refused.';
