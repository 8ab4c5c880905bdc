-- What a batch has in it, found in one pass, so that steps it does not need are left out.
-- keyed: idempotency keys; closes: confirm, cancel or expire; opens: reserve; named: a reservation that may exist already;
-- races: a row that may be missing; mixed: something special, or one reservation or key twice, so that the batch must be cut.
create or replace function internal.batch_traits(commands internal.command[], out keyed boolean, out closes boolean,
    out opens boolean, out races boolean, out named boolean, out mixed boolean)
language sql
immutable
set search_path = ''
as $$
    select bool_or(c.idempotency_key is not null),
        bool_or(c.op in ('confirm', 'cancel', 'expire')),
        bool_or(c.op = 'reserve'),
        -- What may write a row that does not exist yet, as what is special may; or has its keys from a reservation, which may be
        -- moved to others before they are locked.
        bool_or(c.special or c.op in ('add', 'adjust', 'move', 'confirm', 'cancel', 'expire') or c.op = 'reserve' and c.body ? 'reservation_id'),
        bool_or(c.body ? 'reservation_id'),
        bool_or(c.special) or count(distinct c.reservation_id) filter (where c.body ? 'reservation_id')
                < count(c.reservation_id) filter (where c.body ? 'reservation_id')
            or count(distinct c.idempotency_key) < count(c.idempotency_key)
    from unnest(commands) as c
$$;

comment on function internal.batch_traits(internal.command[]) is 'What a batch has in it, so that steps it does not need are left out.';
