-- Roles and schemas. Roles belong to the whole cluster, so they are made only where they are missing.
do $$
declare
    v_role text;
begin
    foreach v_role in array array['onhand_owner', 'onhand_api', 'onhand_reader', 'onhand_operator',
                                  'onhand_admin', 'onhand_cdc'] loop
        if not exists (select from pg_catalog.pg_roles r where r.rolname = v_role) then
            execute format('create role %I nologin', v_role);
        end if;
    end loop;
end
$$;

-- The capture role reads the write-ahead log and nothing else; it gets its password from `onhand migrate`.
alter role onhand_cdc login replication;

-- A writer that waits longer than this is told so instead of queueing for ever behind one hot row, and a transaction that somebody left
-- open holds neither locks nor the cleaning of old rows for longer than this. Settings of a role do not reach the sessions of its members:
-- `onhand migrate` gives its login those of onhand_api; other logins need those of their role from whoever makes them.
alter role onhand_api set lock_timeout = '5s';
alter role onhand_api set statement_timeout = '30s';
alter role onhand_api set idle_in_transaction_session_timeout = '60s';
alter role onhand_reader set lock_timeout = '5s';
alter role onhand_reader set statement_timeout = '60s';
alter role onhand_reader set idle_in_transaction_session_timeout = '5min';
-- Closing a month reads all of it; retiring and checking read more.
alter role onhand_operator set lock_timeout = '5s';
alter role onhand_operator set statement_timeout = '5min';
alter role onhand_operator set idle_in_transaction_session_timeout = '5min';
alter role onhand_admin set lock_timeout = '5s';
alter role onhand_admin set statement_timeout = '30min';
alter role onhand_admin set idle_in_transaction_session_timeout = '5min';
-- A snapshot is one long transaction, idle while its rows are sent on.
alter role onhand_cdc set lock_timeout = '30s';
alter role onhand_cdc set statement_timeout = 0;
alter role onhand_cdc set idle_in_transaction_session_timeout = 0;

create schema inventory authorization onhand_owner;
create schema internal authorization onhand_owner;
create schema api authorization onhand_owner;

comment on schema inventory is 'Tables of the inventory. Only the owner writes here; everybody else goes through schema api.';
comment on schema internal is 'Helpers of the api functions; no grants.';
comment on schema api is 'The public SQL interface: functions and views, called with named arguments.';

-- Functions are executable by everybody unless told otherwise: tell otherwise, once.
alter default privileges for role onhand_owner revoke execute on functions from public;

grant onhand_reader to onhand_operator;
grant onhand_operator to onhand_admin;
grant usage on schema api to onhand_api, onhand_reader, onhand_operator, onhand_admin;
grant usage on schema inventory to onhand_reader, onhand_cdc;
do $$
begin
    execute format('grant create, temporary on database %I to onhand_owner', current_database());
end
$$;

