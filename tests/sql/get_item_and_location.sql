-- api.get_item and api.get_location.
begin;
select plan(9);
select test.make_catalogue();
select is((select name from api.get_item('A')), 'Item A', 'an item by its sku');
select is((select sku from api.get_item(id => (select id from api.get_item('A')))), 'A', 'an item by its id');
select is_empty($$ select * from api.get_item('NONE') $$, 'an unknown sku has no row');
select is_empty($$ select * from api.get_item(id => '00000000-0000-0000-0000-000000000000') $$, 'an unknown id has no row');
select throws_ok($$ select * from api.get_item() $$, 'IV008', null, 'neither is refused');
select throws_ok($$ select * from api.get_item('A', '00000000-0000-0000-0000-000000000000') $$, 'IV008', null, 'both are refused');
select is((select type from api.get_location('W1')), 'warehouse', 'a location by its id');
select is_empty($$ select * from api.get_location('w1') $$, 'an id is case-sensitive');
select is_empty($$ select * from api.get_location(null) $$, 'no id has no row');
select * from finish();
rollback;
