-- The epoch: raised after a restore, a promotion or a point-in-time recovery, so that every row version written
-- afterwards is higher than any version a read model can have seen before.
set local role onhand_owner;

create table inventory.epoch (
    epoch integer primary key,
    version_floor bigint not null,
    reason text not null,
    raised_by text not null default session_user,
    raised_at timestamptz not null default clock_timestamp(),
    constraint epoch_not_negative check (epoch between 0 and 8000),
    -- 2^40 versions in each epoch; 8,000 epochs stay below 2^53, the largest integer that JSON and Lua readers keep exact.
    constraint epoch_version_floor check (version_floor = epoch * 1099511627776::bigint)
);
comment on table inventory.epoch is 'One row for each time that row versions had to jump; the highest epoch is in force.';

insert into inventory.epoch (epoch, version_floor, reason) values (0, 0, 'installed');

reset role;
