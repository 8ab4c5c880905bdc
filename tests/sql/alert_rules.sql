-- api.set_alert_rule, api.remove_alert_rule, api.list_alert_rules, api.find_level_rules, api.find_rule_changes, api.close_rule_changes.
begin;
select plan(32);
select test.make_catalogue();
create function pg_temp.changes() returns text[] language sql as $$
    select array_agg(coalesce(i.sku, '*') || ' ' || coalesce(c.location_id, '*') order by c.id)
    from inventory.alert_rule_change as c left join inventory.item as i on i.id = c.item_id
$$;

-- Setting.
select results_eq($$ select kind, sku, location, enabled, threshold, margin, severity, updated_by = session_user from api.set_alert_rule('reorder_point', 'A', 'W1', threshold => 5, margin => 2, severity => 'critical') $$,
    $$ values ('reorder_point', 'A', 'W1', true, 5::bigint, 2::bigint, 'critical', true) $$, 'a rule for an item at a location');
select results_eq($$ select sku, location, threshold, margin from api.set_alert_rule('reorder_point', 'A', threshold => 9) $$, $$ values ('A', null::text, 9::bigint, null::bigint) $$, 'for an item');
select results_eq($$ select sku, location, enabled from api.set_alert_rule('out_of_stock', location => 'W2', enabled => false) $$, $$ values (null::text, 'W2', false) $$, 'for a location');
select results_eq($$ select sku, location, severity from api.set_alert_rule('safety_stock', severity => 'info') $$, $$ values (null::text, null::text, 'info') $$, 'for all');
select is(pg_temp.changes(), '{A W1,A *,* W2,* *}', 'levels of each are to be judged anew');
select is((select count(*) from api.set_alert_rule('reorder_point', 'A', threshold => 9)), 1::bigint, 'the same again');
select is(cardinality(pg_temp.changes()), 4, 'changes nothing');
select is((select threshold from api.set_alert_rule('reorder_point', 'A', threshold => 10)), 10::bigint, 'a rule is replaced');
select is((select margin from api.set_alert_rule('reorder_point', 'A', 'W1', threshold => 6)), null, 'as a whole');
select is((select count(*) from inventory.alert_rule), 4::bigint, 'one for each place');
select lives_ok($$ select api.set_alert_rule('lot_expiry', 'A', threshold => 86400) $$, 'a rule for lots');
select is(cardinality(pg_temp.changes()), 6, 'which asks no level');

-- Refused.
select throws_ok($$ select api.set_alert_rule('pipeline_lag') $$, 'IV008', null, 'an unknown kind');
select throws_ok($$ select api.set_alert_rule(null) $$, 'IV008', null, 'no kind');
select throws_ok($$ select api.set_alert_rule('reorder_point', 'NONE') $$, 'IV003', null, 'an unknown item');
select throws_ok($$ select api.set_alert_rule('reorder_point', location => 'NONE') $$, 'IV004', null, 'an unknown location');
select throws_ok($$ select api.set_alert_rule('reorder_point', severity => 'bad') $$, 'IV008', null, 'an unknown severity');
select throws_ok($$ select api.set_alert_rule('reorder_point', margin => -1) $$, 'IV008', null, 'a margin below zero');
select throws_ok($$ select api.set_alert_rule('reorder_point', threshold => 1000000000001) $$, 'IV008', null, 'a threshold out of range');
select throws_ok($$ select api.set_alert_rule('lot_expiry', threshold => 0) $$, 'IV008', null, 'a horizon of nothing');
select throws_ok($$ select api.set_alert_rule('hold_expiry', threshold => 1, margin => 1) $$, 'IV008', null, 'a margin of time');

-- What the consumer is given.
select set_eq($$ select concat_ws(' ', kind, coalesce(threshold::text, '-'), coalesce(location, '*')) from api.find_level_rules(array[(select id from inventory.item where sku = 'A')], '{W1}') $$,
    array['reorder_point 6 W1', 'reorder_point 10 *', 'safety_stock - *'], 'the rules of a level');
select set_eq($$ select concat_ws(' ', kind, coalesce(location, '*')) from api.find_level_rules(array[(select id from inventory.item where sku = 'B')], '{W2}') $$,
    array['out_of_stock W2', 'safety_stock *'], 'and of another');
select results_eq($$ select c.location, i.sku collate "default" from api.find_rule_changes(1) as c join inventory.item as i on i.id = c.item_id $$, $$ values ('W1', 'A') $$, 'changes are worked off in turn');
select api.close_rule_changes(array_agg(id)) from api.find_rule_changes(1);
select cmp_ok((select count(*) from api.find_rule_changes()), '>', 1::bigint, 'many at once');
select throws_ok($$ select api.find_rule_changes(0) $$, 'IV008', null, 'a page of no changes');
select is((pg_temp.changes())[1], 'A *', 'one after the other');

-- Listing and removing.
select results_eq($$ select concat_ws(' ', kind, coalesce(sku, '*'), coalesce(location, '*')) from api.list_alert_rules() $$,
    array['lot_expiry A *', 'out_of_stock * W2', 'reorder_point A *', 'reorder_point A W1', 'safety_stock * *'], 'all rules in order');
select results_eq($$ select threshold from api.list_alert_rules('reorder_point', 'A', 'W1') $$, array[6::bigint], 'those of a place');
select throws_ok($$ select api.list_alert_rules(max_rows => 0) $$, 'IV008', null, 'a page of nothing');
select is(api.remove_alert_rule('reorder_point', 'A') * 10 + api.remove_alert_rule('reorder_point', 'A'), 10, 'a rule is removed once');
select results_eq($$ select action, detail ->> 'kind', detail ->> 'sku' from api.get_audit_entries(max_rows => 2) $$,
    $$ values ('remove_alert_rule', 'reorder_point', 'A'), ('set_alert_rule', 'lot_expiry', 'A') $$, 'each change is audited');
select * from finish();
rollback;
