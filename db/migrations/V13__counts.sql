-- Cycle counts: what was counted against what the ledger says was there at that moment.
set local role onhand_owner;

create table inventory.stock_count (
    id uuid primary key default uuidv7(),
    location_id text collate "C" not null references inventory.location (id),
    status text not null default 'OPEN',
    abc_class text,
    reference text,
    opened_by text,
    approved_by text,
    posted_by text,
    approved_at timestamptz,
    posted_at timestamptz,
    version bigint not null,
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp(),
    constraint stock_count_status_known check (status in ('OPEN', 'APPROVED', 'POSTED', 'CANCELLED')),
    constraint stock_count_abc_class_known check (abc_class in ('A', 'B', 'C')),
    constraint stock_count_text_bounded check (length(reference) <= 200 and length(opened_by) <= 200
        and length(approved_by) <= 200 and length(posted_by) <= 200),
    constraint stock_count_approved_at_known check (approved_at is not null or status in ('OPEN', 'CANCELLED')),
    constraint stock_count_posted_at_known check ((posted_at is not null) = (status = 'POSTED'))
) with (fillfactor = 85);
comment on table inventory.stock_count is 'A count of items at a location: lines are counted while it is OPEN, looked at and APPROVED, then POSTED to the ledger.';
create index stock_count_location_id on inventory.stock_count (location_id, id);

create table inventory.stock_count_line (
    stock_count_id uuid not null references inventory.stock_count (id),
    item_id uuid not null references inventory.item (id),
    lot text collate "C" not null default '',
    expected bigint,
    expected_version bigint,
    counted bigint,
    counted_at timestamptz,
    counted_by text,
    variance bigint,
    serials text[],
    recounts integer not null default 0,
    posted_variance bigint,
    constraint stock_count_line_pkey primary key (stock_count_id, item_id, lot),
    constraint stock_count_line_counted_range check (counted between 0 and 1000000000000),
    constraint stock_count_line_counted_whole check (num_nulls(expected, expected_version, counted, counted_at, variance) in (0, 5)),
    constraint stock_count_line_variance_derived check (variance = counted - expected),
    constraint stock_count_line_serials_counted check (cardinality(serials) = counted),
    constraint stock_count_line_counted_by_length check (length(counted_by) <= 200),
    constraint stock_count_line_recounts_not_negative check (recounts >= 0),
    constraint stock_count_line_posted_was_counted check (posted_variance is null or counted is not null)
) with (fillfactor = 85);
comment on table inventory.stock_count_line is 'One item of a count, or one lot of it; nothing but that until it is counted.';
comment on column inventory.stock_count_line.lot is 'Code of the lot that was counted; empty for items that are not tracked by lot.';
comment on column inventory.stock_count_line.serials is 'The units that were found, where each has a serial number.';
comment on column inventory.stock_count_line.expected is 'On hand at counted_at, as the ledger said when the line was counted.';
comment on column inventory.stock_count_line.expected_version is 'Row version of the stock level at counted_at; 0 = there was none.';
comment on column inventory.stock_count_line.recounts is 'How often the line was counted again; the last time is the one that counts.';
comment on column inventory.stock_count_line.posted_variance is 'What posting changed on hand by. Differs from variance by what had happened before the count and was reported only after it.';
create index stock_count_line_item_id on inventory.stock_count_line (item_id, counted_at);

-- Rows that the public functions answer with.
create type api.count_change as (
    count_id uuid, status text, sku text, location text, variance bigint, on_hand bigint, reserved bigint, available bigint,
    version bigint, replayed boolean
);
comment on type api.count_change is 'A posted count, with what it did to one stock level.';

create type api.count_summary as (
    count_id uuid, location text, status text, abc_class text, reference text, opened_by text, approved_by text, posted_by text,
    created_at timestamptz, updated_at timestamptz, approved_at timestamptz, posted_at timestamptz, version bigint, lines bigint,
    counted_lines bigint, variance_lines bigint, variance numeric, replayed boolean
);
comment on type api.count_summary is 'A count with its sums: lines, how many are counted, how many of those differ, and by how much in all.';

create type api.count_line_state as (
    count_id uuid, location text, status text, sku text, item_id uuid, lot text, expected bigint, expected_version bigint,
    counted bigint, counted_at timestamptz, counted_by text, variance bigint, serials text[], recounts integer, posted_variance bigint
);
comment on type api.count_line_state is 'A line of a count.';

create type api.item_to_count as (
    sku text, item_id uuid, location text, abc_class text, on_hand bigint, last_counted_at timestamptz, due_at timestamptz,
    due boolean
);
comment on type api.item_to_count is 'An item at a location, when it was last counted and when it is to be counted again.';

grant select on inventory.stock_count, inventory.stock_count_line to onhand_reader;

reset role;
