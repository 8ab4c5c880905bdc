-- Keeps the answers of applied commands under their idempotency keys. Refusals changed nothing and are decided anew on a retry.
-- Raises 40001 if another session stored one of the keys first: its answer is the one to give.
create or replace function internal.store_answers(commands internal.command[], answers internal.answer[])
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_expected bigint;
    v_written bigint;
begin
    insert into inventory.idempotency_key (caller, key, fingerprint, answer)
    select c.caller, c.idempotency_key, c.fingerprint, a.answer
    from unnest(commands) as c
    join unnest(answers) as a on a.ordinal = c.ordinal and a.outcome = 'applied'
    where c.idempotency_key is not null
    order by c.caller, c.idempotency_key
    on conflict (caller, key) do nothing;
    get diagnostics v_written = row_count;
    select count(*) into v_expected
    from unnest(commands) as c
    join unnest(answers) as a on a.ordinal = c.ordinal and a.outcome = 'applied'
    where c.idempotency_key is not null;
    if v_written < v_expected then
        raise exception 'another session used the idempotency key first' using errcode = '40001';
    end if;
end
$$;

comment on function internal.store_answers(internal.command[], internal.answer[]) is 'Keeps the answers of applied commands under their idempotency keys.';
