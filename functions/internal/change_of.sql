-- What one unit of each operation on a single place does to the states of its level, and the type of its ledger row.
-- returns, write-offs: state says which bucket (returns: sellable or damaged; write-offs: damaged or on_hand).
create or replace function internal.change_of(body jsonb, quantity bigint, out movement text, out deltas internal.deltas)
language sql
immutable
set search_path = ''
as $$
    select c.movement, c.deltas
    from (values
        ('add', 'on_hand', 'receipt', internal.make_deltas(on_hand => quantity)),
        ('remove', 'on_hand', 'removal', internal.make_deltas(on_hand => -quantity)),
        ('adjust', 'on_hand', 'adjustment', internal.make_deltas(on_hand => quantity)),
        ('return', 'on_hand', 'return', internal.make_deltas(on_hand => quantity)),
        ('return', 'damaged', 'return', internal.make_deltas(damaged => quantity)),
        ('quarantine', 'on_hand', 'quarantine', internal.make_deltas(on_hand => -quantity, damaged => quantity)),
        ('restore', 'on_hand', 'restore', internal.make_deltas(on_hand => quantity, damaged => -quantity)),
        ('write_off', 'on_hand', 'write_off', internal.make_deltas(on_hand => -quantity)),
        ('write_off', 'damaged', 'write_off', internal.make_deltas(damaged => -quantity))
    ) as c (op, state, movement, deltas)
    where c.op = body ->> 'op'
        and c.state = coalesce(body ->> 'state', case body ->> 'op' when 'write_off' then 'damaged' else 'on_hand' end)
$$;

comment on function internal.change_of(jsonb, bigint) is 'What an operation on a single place does to the states of its level.';
