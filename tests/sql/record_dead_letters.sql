-- api.record_dead_letters: what was done about dead letters stands in the audit trail.
begin;
select plan(11);
select ok(api.record_dead_letters('redrive', 't.g.dlq', 3, '{"offsets": [[0, 2]], "letters": 99}') > 0, 'the entry is answered');
select ok(api.record_dead_letters(act => 'drop', topic => 't.g.dlq', letters => 1) > 0, 'detail may be left out');
select results_eq($$ select action, actor, detail from inventory.audit_entry order by id $$, $$ select e.action collate "default", session_user::text collate "default",
    e.detail::jsonb from (values ('redrive_dead_letters', '{"offsets": [[0, 2]], "letters": 3, "topic": "t.g.dlq"}'),
        ('drop_dead_letters', '{"letters": 1, "topic": "t.g.dlq"}')) as e (action, detail) $$, 'each act has its entry, and its numbers are its own');
select throws_ok(format('select api.record_dead_letters(%s)', q.arguments), 'IV008', null, q.arguments)
from (values ($$ 'delete', 't', 1 $$), ($$ null, 't', 1 $$), ($$ 'drop', '  ', 1 $$), ($$ 'drop', null, 1 $$), ($$ 'drop', 't', 0 $$),
    ($$ 'drop', 't', null $$), ($$ 'drop', 't', 1, '[]' $$), ($$ 'drop', 't', 1, null $$)) as q (arguments);
select * from finish();
rollback;
