-- api.upsert_supplier, api.get_supplier, api.list_suppliers, api.set_item_supplier, api.list_item_suppliers, api.remove_item_supplier.
begin;
select plan(54);
select test.make_catalogue();
select api.upsert_item('KIT', name => 'Kit', kind => 'bundle');

-- Suppliers.
select results_eq($$ select code, name, status, contact, metadata, version from api.upsert_supplier('S1') $$,
    $$ values ('S1', 'S1', 'active', null::jsonb, '{}'::jsonb, 1::bigint) $$, 'a new supplier is named by its code');
select results_eq($$ select name, status, contact, metadata, version from api.upsert_supplier('S1', 'Mill', contact => '{"mail": "a@b"}', metadata => '{"x": null}') $$,
    $$ values ('Mill', 'active', '{"mail": "a@b"}'::jsonb, '{"x": null}'::jsonb, 2::bigint) $$, 'it is changed by its code');
select results_eq($$ select name, contact, version from api.upsert_supplier('S1', 'Mill') $$, $$ values ('Mill', '{"mail": "a@b"}'::jsonb, 2::bigint) $$,
    'what is not given stays, and what stays as it is keeps its version');
select is((select version from api.upsert_supplier('S1', contact => '{"mail": "c@d"}')), 3::bigint, 'each field can change alone');
select is((select status || version from api.upsert_supplier('S1', status => 'archived')), 'archived4', 'it can be archived');
select is((select status || version from api.upsert_supplier('S1', status => 'active')), 'active5', 'and taken back');
select is((select version from api.upsert_supplier('S1', metadata => '{"y": 1}')), 6::bigint, 'metadata is replaced');
select results_eq($$ select code, name, version from api.get_supplier('S1') $$, $$ values ('S1', 'Mill', 6::bigint) $$, 'it is read by its code');
select is_empty($$ select * from api.get_supplier('s1') $$, 'a code is case-sensitive');
select lives_ok($$ select * from api.upsert_supplier(repeat('s', 64), repeat('n', 500)) $$, 'a code of 64 and a name of 500 characters are taken');
select throws_ok($$ select * from api.upsert_supplier(null) $$, 'IV008', null, 'no code is refused');
select throws_ok($$ select * from api.upsert_supplier('') $$, 'IV008', null, 'an empty code is refused');
select throws_ok($$ select * from api.upsert_supplier(repeat('s', 65)) $$, 'IV008', null, 'a code of 65 characters is refused');
select throws_ok($$ select * from api.upsert_supplier('a b') $$, 'IV008', null, 'a code with a blank is refused');
select throws_ok($$ select * from api.upsert_supplier('S2', '') $$, 'IV008', null, 'an empty name is refused');
select throws_ok($$ select * from api.upsert_supplier('S2', repeat('n', 501)) $$, 'IV008', null, 'a name of 501 characters is refused');
select throws_ok($$ select * from api.upsert_supplier('S2', status => 'gone') $$, 'IV008', null, 'another status is refused');
select throws_ok($$ select * from api.upsert_supplier('S2', contact => '[]') $$, 'IV008', null, 'a contact that is no object is refused');
select throws_ok($$ select * from api.upsert_supplier('S2', metadata => '1') $$, 'IV008', null, 'metadata that is no object is refused');
select is(test.refusal($$ select * from api.upsert_supplier('S2', status => 'gone') $$) ->> 'field', 'status', 'the detail names the field');
select is_empty($$ select * from api.get_supplier('S2') $$, 'what was refused made nothing');

-- Lists.
select api.upsert_supplier('S2'), api.upsert_supplier('S3', status => 'archived');
select results_eq($$ select code from api.list_suppliers(max_rows => 2) $$, array['S1', 'S2'], 'they are listed by code');
select results_eq($$ select code from api.list_suppliers(max_rows => 2, after => 'S2') $$, array['S3', repeat('s', 64)], 'page by page');
select results_eq($$ select code from api.list_suppliers('archived') $$, array['S3'], 'by status');
select throws_ok($$ select * from api.list_suppliers(max_rows => 0) $$, 'IV008', null, 'a page of no rows is refused');
select throws_ok($$ select * from api.list_suppliers(max_rows => 1001) $$, 'IV008', null, 'a page of 1,001 rows is refused');
select throws_ok($$ select * from api.list_suppliers(max_rows => null) $$, 'IV008', null, 'as is none');

-- Terms.
select results_eq($$ select sku, supplier, lead_time_days, lead_time_stddev_days, minimum_order_quantity, order_multiple, unit_cost, currency, priority, version
        from api.set_item_supplier('A', 'S1', 7) $$,
    $$ values ('A', 'S1', 7::numeric, 0::numeric, 1::bigint, 1::bigint, null::bigint, null::text, 100, 1::bigint) $$, 'terms begin with a lead time');
select results_eq($$ select lead_time_days, lead_time_stddev_days, minimum_order_quantity, order_multiple, unit_cost, currency, priority, version
        from api.set_item_supplier('A', 'S1', null, 1.5, 10, 12, 250, 'EUR', 5) $$,
    $$ values (7::numeric, 1.5, 10::bigint, 12::bigint, 250::bigint, 'EUR', 5, 2::bigint) $$, 'null keeps what is there');
select is((select version from api.set_item_supplier('A', 'S1', 7, unit_cost => 250)), 2::bigint, 'the same terms change nothing');
select is((select unit_cost || currency from api.set_item_supplier('A', 'S1', unit_cost => 0)), '0EUR', 'the cost may be 0');
select throws_ok($$ select * from api.set_item_supplier('B', 'S1') $$, 'IV008', null, 'no lead time is refused at first');
select throws_ok($$ select * from api.set_item_supplier('B', 'S1', -1) $$, 'IV008', null, 'a negative lead time is refused');
select throws_ok($$ select * from api.set_item_supplier('B', 'S1', 'NaN') $$, 'IV008', null, 'one that is no number too');
select throws_ok($$ select * from api.set_item_supplier('B', 'S1', 3651) $$, 'IV008', null, 'and one of more than 10 years');
select throws_ok($$ select * from api.set_item_supplier('B', 'S1', 1, -1) $$, 'IV008', null, 'a negative deviation is refused');
select throws_ok($$ select * from api.set_item_supplier('B', 'S1', 1, minimum_order_quantity => 0) $$, 'IV008', null, 'a minimum of 0 is refused');
select throws_ok($$ select * from api.set_item_supplier('B', 'S1', 1, order_multiple => 0) $$, 'IV008', null, 'a pack of 0 is refused');
select throws_ok($$ select * from api.set_item_supplier('B', 'S1', 1, order_multiple => 1000000000001) $$, 'IV008', null, 'a pack beyond 10^12 is refused');
select throws_ok($$ select * from api.set_item_supplier('B', 'S1', 1, unit_cost => -1, currency => 'EUR') $$, 'IV008', null, 'a negative cost is refused');
select is(test.refusal($$ select * from api.set_item_supplier('B', 'S1', 1, unit_cost => 1) $$) ->> 'field', 'currency', 'a cost needs a currency');
select is(test.refusal($$ select * from api.set_item_supplier('B', 'S1', 1, currency => 'EUR') $$) ->> 'field', 'unit_cost', 'and the other way');
select throws_ok($$ select * from api.set_item_supplier('B', 'S1', 1, unit_cost => 1, currency => 'eur') $$, 'IV008', null, 'a currency has three capitals');
select throws_ok($$ select * from api.set_item_supplier('NONE', 'S1', 1) $$, 'IV003', null, 'an unknown item is refused');
select throws_ok($$ select * from api.set_item_supplier('B', 'NONE', 1) $$, 'IV028', 'no supplier has this code', 'an unknown supplier is refused');
select throws_ok($$ select * from api.set_item_supplier('B', null, 1) $$, 'IV008', null, 'no supplier too');
select throws_ok($$ select * from api.set_item_supplier('KIT', 'S1', 1) $$, 'IV016', null, 'a bundle is not ordered');
select api.set_item_supplier('A', 'S2', 3, priority => 5), api.set_item_supplier('A', 'S3', 3, priority => 1);
select results_eq($$ select supplier from api.list_item_suppliers('A') $$, array['S3', 'S1', 'S2'], 'suppliers are asked by priority, then by code');
select throws_ok($$ select * from api.list_item_suppliers('NONE') $$, 'IV003', null, 'an unknown item has none');
select results_eq($$ select * from api.remove_item_supplier('A', 'S3', idempotency_key => 'gone') $$, $$ values (1, false) $$, 'terms are removed');
select results_eq($$ select * from api.remove_item_supplier('A', 'S3', idempotency_key => 'gone') $$, $$ values (1, true) $$, 'a replay is marked as one');
select results_eq($$ select * from api.remove_item_supplier('A', 'S3') $$, $$ values (0, false) $$, 'terms are removed once');
select throws_ok($$ select api.remove_item_supplier('A', 'NONE') $$, 'IV028', null, 'of a supplier that there is');
select results_eq($$ select supplier from api.list_item_suppliers('A', 'S2') $$, array['S2'], 'one supplier can be picked');
select * from finish();
rollback;
