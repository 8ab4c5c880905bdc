-- Whether no idempotency key of these commands comes twice or was used before.
create or replace function internal.has_new_keys(plain internal.settled[], caller text)
returns boolean
language sql
stable
set search_path = ''
set enable_hashjoin = off  -- a plan made while the table was empty must not scan it later
set enable_mergejoin = off
set enable_seqscan = off
as $$
    select count(p.idempotency_key) = count(distinct p.idempotency_key) and count(k.key) = 0
    from unnest(plain) as p
    left join inventory.idempotency_key as k on k.caller = coalesce(has_new_keys.caller, session_user) and k.key = p.idempotency_key
$$;

comment on function internal.has_new_keys(internal.settled[], text) is 'Whether no idempotency key of these commands comes twice or was used before.';
