-- api.renew_versions: after a restore every guarded row is lifted above whatever a reader may have seen, and the ledger goes on replaying.
begin;
select plan(20);
select test.make_catalogue();
select api.add_stock('A', 'W1', 10), api.add_stock('A', 'W2', 5), api.add_stock('B', 'W1', 7);
select api.set_stock_policy('B', 'W1', safety_stock => 2, reorder_point => 3);
select api.reserve_stock('A', 'W1', 4);
select api.fold_stock_summary();
create temporary table before as select s.item_id, s.location_id, s.version, to_jsonb(s) - 'version' - 'last_movement_at' as state from inventory.stock_level as s;
select is(api.renew_versions(), 0::bigint, 'in the first epoch there is nothing to lift');
select is(api.raise_epoch('restored'), 1, 'a new epoch');
select is(api.renew_versions(2), 2::bigint, 'a call lifts as many as it may');
select is((select count(*) from inventory.stock_level as s where s.version = 1099511627776), 2::bigint, 'stock levels first');
select cmp_ok(api.renew_versions(), '>', 5::bigint, 'the next one the rest');
select is(api.renew_versions(), 0::bigint, 'and then there is nothing left');
select is_empty(format('select from inventory.%I where version < 1099511627776', t.name), t.name)
from unnest(array['stock_level', 'item', 'location', 'reservation', 'stock_summary', 'supplier']) as t (name);
select results_eq('select s.item_id, s.location_id, to_jsonb(s) - ''version'' - ''last_movement_at'' from inventory.stock_level as s order by 1, 2',
    'select b.item_id, b.location_id, b.state from before as b order by 1, 2', 'nothing else has changed');
select results_eq($$ select m.type, m.version, m.detail - 'before', m.source from inventory.stock_movement as m join inventory.item as i on i.id = m.item_id
        where i.sku = 'B' order by m.version desc limit 1 $$,
    $$ values ('policy'::text, 1099511627776, '{"safety_stock": 2, "reorder_point": 3, "policy": "deny"}'::jsonb, 'recover'::text) $$, 'each level has a ledger row');
select is_empty('select * from api.check_ledger()', 'the ledger is whole');
select is_empty('select * from api.check_conservation()', 'nothing appears or vanishes');
select is((select version from api.add_stock('A', 'W1', 1)), 1099511627777, 'versions go on from there');
select is((select sum((detail ->> 'rows')::bigint) > 5 from inventory.audit_entry where action = 'renew_versions'), true, 'it is audited');
select throws_ok('select api.renew_versions(0)', 'IV008', null, 'none is refused');
select throws_ok('select api.renew_versions(null)', 'IV008', null, 'and null');
select * from finish();
rollback;
