-- api.open_count, api.count_line, api.approve_count, api.post_count, api.cancel_count, api.get_count, api.list_counts, api.list_items_to_count.
begin;
select plan(103);
select test.make_catalogue();
select api.upsert_items('[{"sku": "C", "name": "Item C"}, {"sku": "D", "name": "Item D"}, {"sku": "KIT", "name": "Kit", "kind": "bundle"}]');
select api.add_stock('A', 'W1', 100), api.add_stock('B', 'W1', 50), api.add_stock('C', 'W1', 10), api.add_stock('OLD', 'W1', 1);
create function pg_temp.line(count_id uuid, item text) returns text language sql as $$
    select concat_ws(' ', status, 'expected', expected, 'v' || expected_version, 'counted', counted, 'variance', variance, 'again', recounts, 'posted', posted_variance)
    from api.get_count(count_id) where sku = item;
$$;

-- Opening.
create temporary table n as select * from api.open_count('W1', '{A,B,C,A}', reference => 'CC-1', user_id => 'u1', idempotency_key => 'o1');
select results_eq($$ select location, status, abc_class, reference, opened_by, approved_by, posted_by, version, lines, counted_lines, variance_lines, variance, replayed from n $$,
    $$ values ('W1', 'OPEN', null::text, 'CC-1', 'u1', null::text, null::text, 1::bigint, 3::bigint, 0::bigint, 0::bigint, 0::numeric, false) $$, 'a count is opened for these items');
create temporary view id as select count_id as id from n;
select results_eq($$ select count_id, replayed from api.open_count('W1', '{A,B,C,A}', reference => 'CC-1', user_id => 'u1', idempotency_key => 'o1') $$,
    $$ select id, true from id $$, 'once under its key');
create function pg_temp.reply(query text) returns jsonb language plpgsql as $$
declare
    v_reply jsonb;
begin
    execute 'select to_jsonb(r) from (' || query || ') as r' into strict v_reply;
    return v_reply;
end
$$;
create temporary table told (call text primary key, reply jsonb);
insert into told select 'open', to_jsonb(n) from n;
select throws_ok($$ select * from api.open_count('W2', '{A,B,C,A}', reference => 'CC-1', user_id => 'u1', idempotency_key => 'o1') $$, 'IV007', null, 'another request under the key is refused');
select throws_ok($$ select * from api.add_stock('A', 'W1', 1, idempotency_key => 'o1') $$, 'IV007', null, 'also of another kind');
select throws_ok($$ select * from api.open_count('W1', '{NONE}') $$, 'IV003', null, 'an unknown item is refused');
select throws_ok($$ select * from api.open_count('W1', '{KIT}') $$, 'IV016', null, 'a bundle is counted by its components');
select throws_ok($$ select * from api.open_count('NONE') $$, 'IV004', null, 'an unknown location is refused');
select throws_ok($$ select * from api.open_count(null) $$, 'IV008', null, 'no location too');
select throws_ok($$ select * from api.open_count('W1', array['A', null]) $$, 'IV008', null, 'no sku in skus is refused');
select throws_ok($$ select * from api.open_count('W1', abc_class => 'D') $$, 'IV008', null, 'a class that is none is refused');
select throws_ok($$ select * from api.open_count('W1', '{A}', 'A') $$, 'IV008', null, 'skus and a class are refused');
select throws_ok($$ select * from api.open_count('W1', max_lines => 0) $$, 'IV008', null, 'no lines are refused');
select throws_ok($$ select * from api.open_count('W1', max_lines => 1001) $$, 'IV008', null, '1,001 lines are refused');
select throws_ok($$ select * from api.open_count('W1', array(select 'A' from generate_series(1, 1001))) $$, 'IV013', null, '1,001 skus are refused');
select throws_ok($$ select * from api.open_count('W1', reference => repeat('r', 201)) $$, 'IV008', null, 'a reference of 201 characters is refused');
select throws_ok($$ select * from api.open_count('W1', idempotency_key => '') $$, 'IV008', null, 'an empty key is refused');
select is((select count(*) from inventory.stock_count), 1::bigint, 'refusals opened nothing');

-- Counting. 100 are expected, 95 are there; what moves between does not disturb.
select results_eq($$ select sku, expected, expected_version, counted, counted_at > now(), counted_by, variance, recounts from api.count_line((select id from id), 'A', 94, user_id => 'u2') $$,
    $$ values ('A', 100::bigint, 1::bigint, 94::bigint, true, 'u2', -6::bigint, 0) $$, 'the ledger says what was expected');
select is((select counted || ' ' || recounts from api.count_line((select id from id), 'A', 95)), '95 1', 'a line may be counted again');
select is((select version from inventory.stock_count), 3::bigint, 'the version of the count grows with each line');
select lives_ok($$ select api.remove_stock('A', 'W1', 10), api.add_stock('A', 'W1', 3), api.reserve_stock('A', 'W1', 20) $$, 'stock moves on');
select results_eq($$ select counted, variance from api.count_line((select id from id), 'B', 53, idempotency_key => 'l1') $$, $$ values (53::bigint, 3::bigint) $$, 'more may be there than expected');
select results_eq($$ select counted, recounts from api.count_line((select id from id), 'B', 53, idempotency_key => 'l1') $$, $$ values (53::bigint, 0) $$, 'a line is entered once under its key');
select throws_ok($$ select * from api.count_line((select id from id), 'B', 54, idempotency_key => 'l1') $$, 'IV007', null, 'another request under the key is refused');
select results_eq($$ select expected, expected_version, counted, variance from api.count_line((select id from id), 'D', 4) $$, $$ values (0::bigint, 0::bigint, 4::bigint, 4::bigint) $$,
    'an item that turned up is added');
select is(pg_temp.reply($$ select * from api.open_count('W1', '{A,B,C,A}', reference => 'CC-1', user_id => 'u1', idempotency_key => 'o1') $$),
    (select reply || '{"replayed": true}' from told where call = 'open'), 'a repeated opening answers as it did, with nothing counted yet');
insert into told select 'line', pg_temp.reply($$ select * from api.count_line((select id from id), 'B', 52, idempotency_key => 'l2') $$);
select is((select reply -> 'replayed' from told where call = 'line'), 'false', 'an entry says that it is none');
select is((select counted from api.count_line((select id from id), 'B', 53)), 53::bigint, 'after which the line is counted again');
select is(pg_temp.reply($$ select * from api.count_line((select id from id), 'B', 52, idempotency_key => 'l2') $$),
    (select reply || '{"replayed": true}' from told where call = 'line'), 'a repeated entry answers as it did');
select lives_ok($$ select * from api.count_line((select id from id), 'D', 1000000000000) $$, '10^12 are taken');
select is((select counted from api.count_line((select id from id), 'D', 0)), 0::bigint, 'as is nothing');
select throws_ok($$ select * from api.count_line((select id from id), 'A', 1000000000001) $$, 'IV012', null, '10^12 + 1 are refused');
select throws_ok($$ select * from api.count_line((select id from id), 'A', -1) $$, 'IV008', null, 'less than nothing is refused');
select throws_ok($$ select * from api.count_line((select id from id), 'A', null) $$, 'IV008', null, 'no number is refused');
select throws_ok($$ select * from api.count_line((select id from id), 'A', 1, clock_timestamp() + interval '1 minute') $$, 'IV008', null, 'a count in the future is refused');
select throws_ok($$ select * from api.count_line((select id from id), 'A', 1, '-infinity') $$, 'IV008', null, 'and one before all time');
select throws_ok($$ select * from api.count_line((select id from id), 'NONE', 1) $$, 'IV003', null, 'an unknown item is refused');
select throws_ok($$ select * from api.count_line((select id from id), null, 1) $$, 'IV008', null, 'no item too');
select throws_ok($$ select * from api.count_line((select id from id), 'KIT', 1) $$, 'IV016', null, 'a bundle is counted by its components');
select throws_ok($$ select * from api.count_line((select id from id), 'A', 1, lot => 'L') $$, 'IV023', null, 'a lot does not belong to this item');
select throws_ok($$ select * from api.count_line((select id from id), 'A', 1, serials => '{S}') $$, 'IV023', null, 'nor a serial number');
select throws_ok($$ select * from api.count_line(uuidv7(), 'A', 1) $$, 'IV031', 'no stock count has this id', 'an unknown count is refused');
select throws_ok($$ select * from api.count_line(null, 'A', 1) $$, 'IV008', null, 'no count too');
select is((select expected || ' ' || expected_version from api.count_line((select id from id), 'C', 1, counted_at => now() - interval '1 day')), '0 0', 'before it came there was nothing');
select throws_ok($$ select * from api.post_count((select id from id)) $$, 'IV032', null, 'an open count is not posted');
select is(test.refusal($$ select * from api.post_count((select id from id)) $$) ->> 'status', 'OPEN', 'the detail has its state');
select is(pg_temp.line((select id from id), 'C'), 'OPEN expected 0 v0 counted 1 variance 1 again 0 posted', 'a line can be read');
update inventory.stock_count_line as l set counted = null, expected = null, expected_version = null, variance = null, counted_at = null
from inventory.item as i where i.id = l.item_id and i.sku = 'C';

-- Approving.
select throws_ok($$ select * from api.approve_count(uuidv7()) $$, 'IV031', null, 'an unknown count is not approved');
select throws_ok($$ select * from api.approve_count((select id from id), repeat('u', 201)) $$, 'IV008', null, 'a user of 201 characters is refused');
select is(test.refusal($$ select api.approve_count(count_id) from api.open_count('W2') $$) -> 'counted_lines', '0', 'nor one of which nothing was counted');
select results_eq($$ select status, approved_by, approved_at > now(), lines, counted_lines, variance_lines, variance, replayed from api.approve_count((select id from id), 'boss', 'a1') $$,
    $$ values ('APPROVED', 'boss', true, 4::bigint, 3::bigint, 2::bigint, -2::numeric, false) $$, 'a count is approved with its sums');
select is((select replayed from api.approve_count((select id from id), 'boss', 'a1')), true, 'once under its key');
insert into told select 'approve', pg_temp.reply($$ select * from api.approve_count((select id from id), 'boss', 'a1') $$);
select throws_ok($$ select * from api.approve_count((select id from id)) $$, 'IV032', 'the stock count is not in the state for this', 'and only once');
select throws_ok($$ select * from api.count_line((select id from id), 'A', 1) $$, 'IV032', null, 'its lines stay as they are');

-- Posting: A has 93 now, and 95 of 100 were there.
select is(test.level('A', 'W1'), '93 20 73 in_stock v4', 'nothing has changed yet');
select results_eq($$ select status, sku, location, variance, on_hand, reserved, available, version, replayed from api.post_count((select id from id), 'p1', user_id => 'boss') order by sku $$,
    $$ values ('POSTED', 'A', 'W1', -5::bigint, 88::bigint, 20::bigint, 68::bigint, 5::bigint, false), ('POSTED', 'B', 'W1', 3, 53, 0, 53, 2, false) $$,
    'the variance is posted, not the number');
select is((select count(*) from api.post_count((select id from id), 'p1', user_id => 'boss') where replayed), 2::bigint, 'once under its key');
select is(pg_temp.reply($$ select * from api.approve_count((select id from id), 'boss', 'a1') $$), (select reply from told where call = 'approve'), 'a repeated approval still says APPROVED');
select throws_ok($$ select * from api.post_count((select id from id), 'p2') $$, 'IV032', null, 'and only once');
select results_eq($$ select i.sku::text collate "default", m.on_hand_delta, m.reason, m.reason_code, m.reference, m.user_id, m.detail ->> 'count_id', m.detail ->> 'counted', m.occurred_at = l.counted_at
        from inventory.stock_movement as m join inventory.item as i on i.id = m.item_id join inventory.stock_count_line as l on l.item_id = m.item_id where m.type = 'count' order by 1 $$,
    $$ select 'A', -5::bigint, 'count variance', 'count_variance', 'CC-1', 'boss', id::text, '95', true from id union all select 'B', 3, 'count variance', 'count_variance', 'CC-1', 'boss', id::text, '53', true from id $$,
    'the ledger says that it happened when it was counted');
select is(pg_temp.line((select id from id), 'A'), 'POSTED expected 100 v1 counted 95 variance -5 again 1 posted -5', 'the line has what was posted');
select is(pg_temp.line((select id from id), 'C'), 'POSTED expected counted variance again 0 posted', 'what was not counted is left alone');
select is(test.level('C', 'W1') || ', ' || (select count(*) from inventory.stock_level as s join inventory.item as i on i.id = s.item_id and i.sku = 'D'), '10 0 10 in_stock v1, 0', 'as is what was as expected');
select results_eq($$ select posted_by, posted_at > approved_at, variance_lines, variance from api.list_counts('W1', 'POSTED') $$, $$ values ('boss', true, 2::bigint, -2::numeric) $$, 'the count says who posted it');
select throws_ok($$ select * from api.cancel_count((select id from id)) $$, 'IV032', null, 'what is posted is not cancelled');
select throws_ok($$ select * from api.post_count(uuidv7()) $$, 'IV031', null, 'an unknown count is not posted');
select throws_ok($$ select * from api.post_count(null) $$, 'IV008', null, 'no count too');
select throws_ok($$ select * from api.get_count(uuidv7()) $$, 'IV031', null, 'or read');

-- What happened before the count and is reported after it was in what was counted.
create temporary table late as select * from api.open_count('W1', '{A,B}');
select api.count_line(count_id, 'A', 86), api.count_line(count_id, 'B', 50) from late;
select api.remove_stock('A', 'W1', 2, occurred_at => now() - interval '1 hour'), api.remove_stock('B', 'W1', 1, occurred_at => clock_timestamp());
select api.approve_count(count_id) from late;
select results_eq($$ select sku, variance, on_hand from api.post_count((select count_id from late)) $$, $$ values ('B', -3::bigint, 49::bigint) $$, 'a sale reported late explains what was missing');
select is(pg_temp.line((select count_id from late), 'A'), 'POSTED expected 88 v5 counted 86 variance -2 again 0 posted 0', 'the line shows both');
-- Two counts of one moment do not correct twice.
create temporary table twice as select c.*, clock_timestamp() as at from api.open_count('W1', '{A}') as c;
create temporary table again as select * from api.open_count('W1', '{A}');
select api.count_line(count_id, 'A', 80, counted_at => at) from twice;
select api.count_line(again.count_id, 'A', 80, counted_at => at) from again, twice;
select api.approve_count(count_id) from twice union all select api.approve_count(count_id) from again;
select is((select variance from api.post_count((select count_id from twice))), -6::bigint, 'the first count corrects');
select is((select concat_ws(' ', status, sku, variance, replayed) from api.post_count((select count_id from again))), 'POSTED f', 'the second finds it corrected, and changes no level');

-- Nothing that is reserved is counted away.
select api.reserve_stock('B', 'W1', 49);
create temporary table short as select * from api.open_count('W1', '{A,B}');
select api.count_line(count_id, 'A', 81), api.count_line(count_id, 'B', 48) from short;
select api.approve_count(count_id) from short;
select is(test.refusal($$ select * from api.post_count((select count_id from short)) $$) - '{version}'::text[],
    '{"code": "IV001", "sku": "B", "location": "W1", "state": "available", "requested": 1, "available": 0}', 'a variance below what is reserved is refused');
select is(test.level('A', 'W1') || ', ' || (select status from inventory.stock_count where id = (select count_id from short)), '80 20 60 in_stock v7, APPROVED', 'all or nothing');
select api.cancel_reservation(l.reservation_id) from inventory.reservation_line as l join inventory.item as i on i.id = l.item_id where i.sku = 'B' and l.status = 'PENDING';
select is((select count(*) from api.post_count((select count_id from short))), 2::bigint, 'it is posted once the reservation is gone');
select api.set_stock_policy('B', 'W1', policy => 'oversell'), api.reserve_stock('B', 'W1', 48);
create temporary table sold as select * from api.open_count('W1', '{B}');
select api.count_line(count_id, 'B', 40) from sold;
select api.approve_count(count_id) from sold;
select is((select on_hand || ' ' || available from api.post_count((select count_id from sold))), '40 -8', 'a level that may go below zero does');
-- A hold that is due is freed first.
select api.add_stock('C', 'W2', 5), api.reserve_stock('C', 'W2', 5, expires_in => interval '1 millisecond');
select pg_sleep(0.005);
create temporary table due as select * from api.open_count('W2', '{C}');
select api.count_line(count_id, 'C', 2) from due;
select api.approve_count(count_id) from due;
select is((select on_hand || ' ' || reserved from api.post_count((select count_id from due))), '2 0', 'a hold past its deadline does not stand in the way');

-- Cancelling.
create temporary table off as select * from api.open_count('W1', '{A}');
select results_eq($$ select status, replayed from api.cancel_count((select count_id from off), 'u', 'c1') $$, $$ values ('CANCELLED', false) $$, 'a count is cancelled');
select is((select replayed from api.cancel_count((select count_id from off), 'u', 'c1')), true, 'once under its key');
select is(pg_temp.reply($$ select * from api.cancel_count((select count_id from off), 'u', 'c1') $$) ->> 'status', 'CANCELLED', 'with the same answer');
select throws_ok($$ select * from api.cancel_count((select count_id from off)) $$, 'IV032', null, 'and only once');
select throws_ok($$ select * from api.approve_count((select count_id from off)) $$, 'IV032', null, 'it is not approved any more');
select throws_ok($$ select * from api.cancel_count(uuidv7()) $$, 'IV031', null, 'an unknown count is refused');
create temporary table yes as select * from api.open_count('W1', '{A}');
select api.count_line(count_id, 'A', 7) from yes;
select api.approve_count(count_id) from yes;
select is((select status from api.cancel_count((select count_id from yes))), 'CANCELLED', 'an approved one can be cancelled');
select throws_ok($$ select * from api.post_count((select count_id from yes)) $$, 'IV032', null, 'and is not posted then');
select is(test.level('A', 'W1'), '81 20 61 in_stock v8', 'nothing of it is');

-- Lists.
select ok((select a.count_id > b.count_id from api.list_counts(max_rows => 1) as a cross join lateral api.list_counts(max_rows => 1, before => a.count_id) as b), 'newest first, page by page');
select is((select count(*) from api.list_counts('W2')), 1::bigint, 'by location');
select throws_ok($$ select * from api.list_counts(max_rows => null) $$, 'IV008', null, 'a page needs a size');
create temporary table empty as select * from api.open_count('W2', '{}');
select results_eq($$ select status, sku from api.get_count((select count_id from empty)) $$, $$ values ('OPEN', null::text) $$, 'a count without lines is one row');

-- A batch.
select is(test.outcomes('[{"op": "count", "count_id": "x"}, {"op": "count", "count_id": "00000000-0000-0000-0000-000000000000"},
    {"op": "count", "count_id": "00000000-0000-0000-0000-000000000000", "occurred_at": "2020-01-01 00:00:00+00"}, {"op": "add", "sku": "A", "location": "W1", "quantity": 1}]'),
    '{IV008,IV031,IV008,applied}', 'in a batch each is answered by itself');
select is_empty('select * from api.check_conservation()', 'nothing appeared or vanished');
select is_empty('select * from test.broken_rules()', 'every invariant holds');

-- What is to be counted: A sold 72 of 78, C 5, B 1. A and B were counted today at W1; C and OLD never were.
select api.remove_stock('A', 'W1', 60), api.remove_stock('C', 'W1', 5), api.upsert_item('OLD', status => 'archived');
refresh materialized view inventory.report_abc;
select results_eq($$ select sku, abc_class, on_hand, last_counted_at is null, due from api.list_items_to_count('W1') $$, $$ values ('C', 'B', 5::bigint, true, true), ('OLD', 'C', 1, true, true) $$, 'what was never counted is due');
select results_eq($$ select sku, abc_class, due_at - last_counted_at, due from api.list_items_to_count('W1', all_items => true) where last_counted_at is not null order by sku $$,
    $$ values ('A', 'A', interval '30 days', false), ('B', 'C', interval '365 days', false) $$, 'A after 30 days, C after 365');
update inventory.stock_count_line set counted_at = counted_at - interval '30 days' where counted_at is not null;
select results_eq($$ select sku from api.list_items_to_count('W1', 'A') $$, array['A'], 'then it is due');
select results_eq($$ select sku from api.list_items_to_count('W1', max_rows => 1) $$, array['C'], 'what was never counted comes first, B before C');
select throws_ok($$ select * from api.list_items_to_count('NONE') $$, 'IV004', null, 'an unknown location is refused');
select throws_ok($$ select * from api.list_items_to_count('W1', 'X') $$, 'IV008', null, 'a class that is none is refused');
select throws_ok($$ select * from api.list_items_to_count('W1', max_rows => 0) $$, 'IV008', null, 'a page of no rows is refused');
select is((select abc_class || lines from api.open_count('W1', abc_class => 'A')), 'A1', 'a count of a class has its items');
select is((select lines from api.open_count('W1', abc_class => 'A')), 0::bigint, 'but those that are being counted');
select is((select lines from api.open_count('W1', max_lines => 2)), 2::bigint, 'as many lines as asked for');
select * from finish();
rollback;
