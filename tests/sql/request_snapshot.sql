-- api.request_snapshot: an order to the connector, of captured tables and with one condition only.
begin;
select plan(17);
select isnt(api.request_snapshot('item'), null, 'the id of the order is answered');
select isnt(api.request_snapshot(table_name => 'stock_movement', condition => $$item_id = 'x' and version > 3$$), null, 'also of a partitioned table, in part');
select isnt(api.request_snapshot('stock_count_line'), api.request_snapshot('stock_count_line'), 'each order has an id of its own');
select results_eq($$ select s.type collate "default", s.data::jsonb - 'x' from inventory.debezium_signal as s join inventory.audit_entry as a on a.detail ->> 'id' = s.id
        where a.detail ->> 'table' in ('item', 'stock_movement') order by a.id $$,
    $$ values ('execute-snapshot'::varchar collate "default", '{"type": "incremental", "data-collections": ["inventory.item"]}'::jsonb),
        ('execute-snapshot', '{"type": "incremental", "data-collections": ["inventory.stock_movement"], "additional-conditions":
            [{"data-collection": "inventory.stock_movement", "filter": "item_id = ''x'' and version > 3"}]}') $$, 'as the connector reads it');
select results_eq($$ select action, detail - 'id' from inventory.audit_entry where detail ->> 'table' in ('item', 'stock_movement') order by id $$,
    $$ values ('request_snapshot'::text collate "default", '{"table": "item"}'::jsonb),
        ('request_snapshot', '{"table": "stock_movement", "condition": "item_id = ''x'' and version > 3"}') $$, 'and audited');
select is((select max(length(id)) <= 42 and max(length(data)) <= 2048 from inventory.debezium_signal), true, 'it fits');
select throws_ok(format('select api.request_snapshot(%L, %L)', q.name, q.condition), 'IV008', null, coalesce(q.name, 'null') || ' ' || coalesce(left(q.condition, 20), ''))
from (values ('idempotency_key', null), ('debezium_signal', null), ('nothing', null), (null, null), ('inventory.item', null),
    ('item', ''), ('item', '  '), ('item', 'true; drop table x'), ('item', 'true -- '), ('item', 'true /* x */'), ('item', repeat('x', 1001))) as q (name, condition);
select * from finish();
rollback;
