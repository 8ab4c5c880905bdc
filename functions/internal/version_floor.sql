-- The lowest version that a row written now may get. See inventory.epoch.
create or replace function internal.version_floor()
returns bigint
language sql
stable
parallel safe
return (select e.version_floor from inventory.epoch e order by e.epoch desc limit 1);

comment on function internal.version_floor() is 'Lowest version that a row written in the epoch in force may get.';
