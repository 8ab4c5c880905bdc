-- The ledger is append-only and balances are never deleted, not even by the owner of the tables.
begin;
select plan(18);
select test.make_catalogue();
select * from api.add_stock('A', 'W1', 10);
create function pg_temp.as_owner(query text) returns void language plpgsql as $$
begin
    set local role onhand_owner;
    execute query;
    reset role;
end
$$;
select throws_ok($$ select pg_temp.as_owner('update inventory.stock_movement set reason = null') $$, 'IV008', null, 'the owner cannot change the ledger');
select throws_ok($$ select pg_temp.as_owner('delete from inventory.stock_movement') $$, 'IV008', null, 'or delete from it');
select throws_ok($$ select pg_temp.as_owner('truncate inventory.stock_movement') $$, 'IV008', null, 'or truncate it');
select throws_ok($$ select pg_temp.as_owner('delete from inventory.stock_level') $$, 'IV008', null, 'or delete a balance');
select throws_ok($$ select pg_temp.as_owner('truncate inventory.stock_level') $$, 'IV008', null, 'or all of them');
select throws_ok(format($$ select pg_temp.as_owner('update %s set reason = null') $$, h.inhrelid::regclass), 'IV008', null, 'nor a partition of the ledger')
from pg_inherits as h where h.inhparent = 'inventory.stock_movement'::regclass and h.inhrelid::regclass::text like to_char(now(), '"%y"YYYY"m"MM');
select throws_ok(format($$ select pg_temp.as_owner('delete from %s') $$, h.inhrelid::regclass), 'IV008', null, 'nor delete from one')
from pg_inherits as h where h.inhparent = 'inventory.stock_movement'::regclass and h.inhrelid::regclass::text like to_char(now(), '"%y"YYYY"m"MM');
select throws_ok(format($$ select pg_temp.as_owner('truncate %s') $$, h.inhrelid::regclass), 'IV008', null, 'nor truncate one')
from pg_inherits as h where h.inhparent = 'inventory.stock_movement'::regclass and h.inhrelid::regclass::text like to_char(now(), '"%y"YYYY"m"MM');
select is(test.refusal($$ select pg_temp.as_owner('delete from inventory.stock_movement') $$),
    jsonb_build_object('code', 'IV008', 'table', to_char(now(), '"stock_movement_y"YYYY"m"MM'), 'operation', 'delete'), 'the detail says what was refused');

-- Rules that are constraints: a wrong write fails even if a function let it through.
select throws_ok($$ update inventory.stock_level set available = 3 $$, '23514', null, 'available is on_hand less reserved');
select throws_ok($$ update inventory.stock_level set status = 'low_stock' $$, '23514', null, 'the status follows');
select throws_ok($$ update inventory.stock_level set reserved = 11, available = -1, status = 'out_of_stock' $$, '23514', null, 'available is not negative');
select throws_ok($$ update inventory.stock_level set on_hand = -1, available = -1, status = 'out_of_stock' $$, '23514', null, 'on_hand is not negative');
select throws_ok($$ update inventory.stock_level set reserved = -1, available = 11 $$, '23514', null, 'reserved is not negative');
select throws_ok($$ update inventory.stock_level set on_hand = 1000000000001, available = 1000000000001 $$, '23514', null, 'quantities are bounded');
select throws_ok($$ update inventory.stock_level set version = 0 $$, '23514', null, 'versions are positive');
select throws_ok($$ update inventory.stock_level set version = 9007199254740992 $$, '23514', null, 'and stay below 2^53');
select throws_ok($$ insert into inventory.stock_movement select (m).* from inventory.stock_movement as m $$, '23505', null, 'a version comes once');
select * from finish();
rollback;
