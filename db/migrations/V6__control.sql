-- Tables the machinery needs: replayed answers, capture heartbeat and signals, audit trail, release of the functions.
set local role onhand_owner;

create table inventory.idempotency_key (
    caller text not null,
    key text not null,
    fingerprint bytea not null,
    answer jsonb not null,
    created_at timestamptz not null default clock_timestamp(),
    constraint idempotency_key_pkey primary key (caller, key),
    constraint idempotency_key_length check (length(key) between 1 and 200 and length(caller) <= 200)
);
comment on table inventory.idempotency_key is 'The answer given to each keyed write, stored in the transaction of the write.';
create index idempotency_key_created_at on inventory.idempotency_key using brin (created_at);

create table inventory.debezium_heartbeat (
    id integer primary key,
    beat_at timestamptz not null
);
comment on table inventory.debezium_heartbeat is 'Written by the connector, so that its slot moves while the inventory is idle.';
insert into inventory.debezium_heartbeat (id, beat_at) values (1, clock_timestamp());

create table inventory.debezium_signal (
    id varchar(42) primary key,
    type varchar(32) not null,
    data varchar(2048)
);
comment on table inventory.debezium_signal is 'Orders to the connector, such as an incremental snapshot.';

create table inventory.audit_entry (
    id bigint generated always as identity primary key,
    at timestamptz not null default clock_timestamp(),
    actor text not null default session_user,
    action text not null,
    detail jsonb not null default '{}'
);
comment on table inventory.audit_entry is 'Who did what that is not a movement of stock: epochs raised, partitions retired.';

create table inventory.function_release (
    hash text primary key,
    released_at timestamptz not null default clock_timestamp()
);
comment on table inventory.function_release is 'Digest of each set of functions that was loaded; the newest row is in force.';

reset role;
