-- Beside the product's own schemas in the database of a benchmark: how its rows are numbered, and the tables of the peer.
create schema bench;

-- Ids in the form of UUIDv7, a second apart, that can be worked out from the number instead of being looked up.
create function bench.item_id(number bigint)
returns uuid
language sql
immutable
as $$
    select (lpad(to_hex(1700000000000 + number * 1000), 12, '0') || '7' || substr(md5(number::text), 1, 3)
        || 'b' || substr(md5(number::text), 4, 15))::uuid
$$;

create function bench.sku(number bigint)
returns text
language sql
immutable
as $$
    select 'SKU-' || lpad(number::text, 6, '0')
$$;

-- Which level a movement belongs to. Each round touches every level once, in an order that jumps about, because a ledger is in the
-- order of time and not of its key; 104729 is a prime that divides no number of levels in use.
create function bench.level_of(movement bigint, levels bigint)
returns bigint
language sql
immutable
as $$
    select (movement % levels * 104729 + movement / levels * 7) % levels
$$;

create schema peer;

-- What a careful team writes by hand: bigint keys, an index for each question that will be asked, room on the page of the row that
-- every order changes, and no foreign keys, whose checks would cost it speed.
create table peer.stock (
    id bigint primary key,
    sku text not null,
    location text not null,
    on_hand bigint not null check (on_hand >= 0),
    reserved bigint not null default 0 check (reserved between 0 and on_hand),
    updated_at timestamptz not null default now(),
    unique (sku, location)
) with (fillfactor = 70);

create table peer.movement (
    id bigint generated always as identity primary key,
    stock_id bigint not null,
    kind text not null,
    quantity bigint not null,
    created_at timestamptz not null default now()
);
create index movement_stock_id on peer.movement (stock_id, created_at);

create table peer.reservation (
    id bigint generated always as identity primary key,
    stock_id bigint not null,
    quantity bigint not null,
    status text not null default 'PENDING',
    expires_at timestamptz not null,
    created_at timestamptz not null default now()
);
create index reservation_stock_id on peer.reservation (stock_id);

grant usage on schema peer to onhand_api;
grant select, insert, update on all tables in schema peer to onhand_api;
