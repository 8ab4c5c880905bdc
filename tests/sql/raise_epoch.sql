-- api.raise_epoch: see also f30.
begin;
select plan(7);
select is(api.raise_epoch('restore'), 1, 'the new epoch is answered');
select results_eq($$ select epoch, version_floor, reason from inventory.epoch order by epoch $$,
    $$ values (0, 0::bigint, 'installed'), (1, 1099511627776, 'restore') $$, 'it is kept with its reason');
select results_eq($$ select action, detail ->> 'reason', actor from inventory.audit_entry $$, $$ values ('raise_epoch'::text, 'restore'::text, session_user::text collate "default") $$, 'and audited');
select is(internal.version_floor(), 1099511627776, 'it is in force');
select throws_ok($$ select api.raise_epoch(null) $$, 'IV008', null, 'a reason is required');
select throws_ok($$ select api.raise_epoch('  ') $$, 'IV008', null, 'blanks are none');
insert into inventory.epoch (epoch, version_floor, reason) values (8000, 8000 * 1099511627776, 'test');
select ok((select e.version_floor + 1099511627776 <= 9007199254740991 from inventory.epoch as e where e.epoch = 8000), 'the last epoch ends below 2^53');
select * from finish();
rollback;
