-- api.set_webhook, api.remove_webhook, api.list_webhooks, api.get_webhook_deliveries, api.redeliver_webhook, and how deliveries are taken and settled:
-- api.list_due_receivers, api.claim_deliveries, api.settle_delivery.
begin;
select plan(59);
select test.make_catalogue();
create function pg_temp.edge(fingerprint text, event text, kind text default 'reorder_point', severity text default 'warning') returns jsonb language sql as $$
    select jsonb_build_array(jsonb_build_object('fingerprint', fingerprint, 'event', event, 'kind', kind, 'severity', severity,
        'item_id', (select id from inventory.item where sku = 'A'), 'location', 'W1', 'value', 1, 'threshold', 2, 'version', 3))
$$;

-- Webhooks.
create temporary table made as select * from api.set_webhook('erp', 'https://erp.example/hooks/1', '{reorder_point,out_of_stock}');
select results_eq($$ select name, url, kinds, min_severity, enabled, disabled_reason, pending from made $$,
    $$ values ('erp', 'https://erp.example/hooks/1', '{reorder_point,out_of_stock}'::text[], 'info', true, null::text, 0::bigint) $$, 'a webhook is made');
select matches((select secret from made), '^whsec_[A-Za-z0-9+/]{43}=$', 'with a secret of 32 bytes');
select is((select secret from inventory.webhook), (select secret from made), 'which is kept');
select is((select secret from api.list_webhooks()), null, 'and not shown again');
select results_eq($$ select min_severity, secret, kinds from api.set_webhook('erp', min_severity => 'warning') $$,
    $$ values ('warning', null::text, '{reorder_point,out_of_stock}'::text[]) $$, 'what is not named stays');
select is((select secret from inventory.webhook), (select secret from made), 'also the secret');
select isnt((select secret from api.set_webhook('erp', secret => 'new')), (select secret from made), 'until a new one is wanted');
select is((select secret from api.set_webhook('erp', secret => 'whsec_' || repeat('a', 32))), null, 'a given one is not repeated');
select is((select secret from inventory.webhook), 'whsec_' || repeat('a', 32), 'but kept');
select is((select kinds from api.set_webhook('all', 'http://127.0.0.1:9/x', '{}')), null, 'an empty list means all kinds');
select results_eq('select name from api.list_webhooks()', array['all', 'erp'], 'in the order of their names');
select throws_ok($$ select api.set_webhook('new') $$, 'IV008', null, 'a new one needs an address');
select throws_ok($$ select api.set_webhook('X', 'http://a/') $$, 'IV008', null, 'a name that is none');
select throws_ok($$ select api.set_webhook(null, 'http://a/') $$, 'IV008', null, 'no name');
select throws_ok($$ select api.set_webhook('x', 'ftp://a/') $$, 'IV008', null, 'an address that is none');
select throws_ok($$ select api.set_webhook('x', 'http://user:secret@a/') $$, 'IV008', null, 'a password in the address');
select throws_ok($$ select api.set_webhook('x', 'http://a/', '{nonsense}') $$, 'IV008', null, 'an unknown kind');
select throws_ok($$ select api.set_webhook('x', 'http://a/', '{{low_stock},{out_of_stock}}') $$, 'IV008', null, 'a list of lists');
select throws_ok($$ select api.set_webhook('x', 'http://a/', min_severity => 'bad') $$, 'IV008', null, 'an unknown severity');
select throws_ok($$ select api.set_webhook('x', 'http://a/', secret => 'hunter2') $$, 'IV008', null, 'a secret that is none');
select is_empty($$ select detail from api.get_audit_entries(action => 'set_webhook') where detail::text ~ 'whsec' $$, 'no secret in the audit trail');

-- An edge is noted for whom it concerns, once.
select api.record_alert_levels('[]', pg_temp.edge('f1', 'opened'), '[{"name": "slack"}, {"name": "pagerduty", "min_severity": "critical"}]');
select results_eq($$ select receiver from inventory.alert_delivery order by receiver $$, array['slack', 'webhook:all', 'webhook:erp'], 'receivers of the settings and webhooks');
select api.record_alert_levels('[]', pg_temp.edge('f2', 'opened', severity => 'info'), '[{"name": "slack"}]');
select api.record_alert_levels('[]', pg_temp.edge('f3', 'opened', 'safety_stock'), '[]');
select results_eq($$ select (receiver || ' ' || fingerprint) collate "default" from inventory.alert_delivery where event_id > 0 and fingerprint <> 'f1' order by 1 $$,
    array['slack f2', 'webhook:all f2', 'webhook:all f3'], 'by severity and kind');
select set_eq($$ select * from api.list_due_receivers('{slack,pagerduty,nobody}') $$, array['slack', 'webhook:all', 'webhook:erp'], 'who has something to be sent');
select is((select payload - 'opened_at' - 'item_id' from api.get_webhook_deliveries('erp')),
    '{"fingerprint": "f1", "kind": "reorder_point", "status": "open", "severity": "warning", "sku": "A", "location": "W1", "value": 1, "threshold": 2, "version": 3}', 'what it says');

-- The edges of one alert in their order.
select api.record_alert_levels('[]', pg_temp.edge('f1', 'resolved', severity => 'info'), '[{"name": "slack"}, {"name": "pagerduty", "min_severity": "critical"}]');
select is((select severity from inventory.alert_event where event = 'resolved'), 'warning', 'an alert resolves with the severity that it opened with');
select is((select count(*) from inventory.alert_delivery where receiver = 'webhook:erp'), 2::bigint, 'so who heard of the one hears of the other');
create temporary table first as select * from api.claim_deliveries('webhook:erp', 10, '1 minute');
select results_eq($$ select attempt, event, fingerprint, url, secret from first $$,
    $$ values (1, 'opened', 'f1', 'https://erp.example/hooks/1', 'whsec_' || repeat('a', 32)) $$, 'the older edge is taken first, and alone');
select is_empty($$ select * from api.claim_deliveries('webhook:erp', 10, '1 minute') $$, 'what is taken is not taken again');
select set_eq($$ select * from api.list_due_receivers('{}') $$, array['webhook:all', 'webhook:erp'], 'though the next one waits');
select ok(not api.settle_delivery((select delivery_id from first), 2, 'retry'), 'another attempt does not settle it');
select ok(api.settle_delivery((select delivery_id from first), 1, 'retry', 500, 'internal server error', '1 hour'), 'this one does');
select results_eq($$ select status, attempts, response_status, error, next_attempt_at > now() + interval '50 min' from api.get_webhook_deliveries('erp', 'pending') order by delivery_id limit 1 $$,
    $$ values ('pending', 1, 500, 'internal server error', true) $$, 'it waits for its next attempt');
select is_empty($$ select * from api.claim_deliveries('webhook:erp', 10, '1 minute') $$, 'and the edge after it waits too');
update inventory.alert_delivery set next_attempt_at = now() where id = (select delivery_id from first);
select results_eq($$ select delivery_id, attempt from api.claim_deliveries('webhook:erp', 10, '1 minute') $$, $$ select delivery_id, 2 from first $$, 'the same message under the same id');
select ok(api.settle_delivery((select delivery_id from first), 2, 'delivered', 204), 'delivered');
select ok(not api.settle_delivery((select delivery_id from first), 2, 'delivered', 204), 'once');
select results_eq($$ select event, attempt from api.claim_deliveries('webhook:erp', 10, '1 minute') $$, $$ values ('resolved', 1) $$, 'then comes the other edge');
select results_eq($$ select event, status, attempts, response_status, settled_at is not null from api.get_webhook_deliveries('erp') $$,
    $$ values ('resolved', 'pending', 1, null::integer, false), ('opened', 'delivered', 2, 204, true) $$, 'the log, newest first');
select throws_ok($$ select api.get_webhook_deliveries(max_rows => 1001) $$, 'IV008', null, 'a page too large');
select throws_ok($$ select api.claim_deliveries('slack', 0, '1 s') $$, 'IV008', null, 'or empty');
select is((select count(*) from api.get_webhook_deliveries()), 6::bigint, 'the log has nothing but webhooks');

-- A lease that ran out: the late attempt may only say that it got through.
update inventory.alert_delivery set next_attempt_at = now() - interval '1 s' where receiver = 'slack' and fingerprint = 'f2';
create temporary table slack as select * from api.claim_deliveries('slack', 10, '0');
select is((select count(*) from slack), 2::bigint, 'alerts do not wait for each other');
select is((select count(*) from api.claim_deliveries('slack', 10, '0')), 2::bigint, 'what nobody settles comes again');
select ok(not api.settle_delivery((select delivery_id from slack limit 1), 1, 'failed'), 'the first attempt is out of it');
select ok(api.settle_delivery((select delivery_id from slack limit 1), 1, 'delivered', 200), 'unless it got through');

-- Redelivery.
select results_eq($$ select status, attempts, event from api.redeliver_webhook((select delivery_id from first)) $$, $$ values ('pending', 0, 'opened') $$, 'a message is delivered once more');
select results_eq($$ select delivery_id, attempt from api.claim_deliveries('webhook:erp', 10, '1 minute') $$, $$ select delivery_id, 1 from first $$, 'under its id, with all its attempts');
select api.settle_delivery((select delivery_id from first), 1, 'failed', 400, 'bad request');
select is((select status from api.get_webhook_deliveries('erp', 'failed')), 'failed', 'given up');
select throws_ok($$ select api.redeliver_webhook(gen_random_uuid()) $$, 'IV008', null, 'an unknown delivery');
select throws_ok($$ select api.redeliver_webhook((select delivery_id from slack limit 1)) $$, 'IV008', null, 'one to no webhook');

-- Gone.
create temporary table gone as select * from api.claim_deliveries('webhook:all', 1, '1 minute');
select ok(api.settle_delivery((select delivery_id from gone), 1, 'disabled', 410, 'the receiver answered 410'), 'a receiver that is gone');
select results_eq($$ select enabled, disabled_reason, pending from api.list_webhooks() where name = 'all' $$, $$ values (false, 'the receiver answered 410', 0::bigint) $$, 'is disabled, and all for it given up');
select is((select count(*) from api.get_webhook_deliveries('all', 'failed')), 4::bigint, 'which the log shows');
select throws_ok($$ select api.redeliver_webhook((select delivery_id from gone)) $$, 'IV008', null, 'nothing is delivered to it');
select results_eq($$ select enabled, disabled_reason from api.set_webhook('all', enabled => true) $$, $$ values (true, null::text) $$, 'until it is enabled again');
select lives_ok($$ select api.redeliver_webhook((select delivery_id from gone)) $$, 'then it is');
select is(api.remove_webhook('all') * 10 + api.remove_webhook('all'), 10, 'a webhook is removed once');
select is((select count(*) from inventory.alert_delivery where receiver = 'webhook:all' and status = 'pending'), 0::bigint, 'and nothing waits for it');
select * from finish();
rollback;
