-- Whether a reservation or a line of one has not ended, for those that are found by the reservation's id. Said this way round since the
-- planner must not see that it means `status = 'PENDING'`: it would be free to read a partial index of all open rows in place of the
-- primary key, and does so where they were few when the table was last analysed. Inlined by the planner: no set clause.
create or replace function internal.is_open(status text)
returns boolean
language sql
immutable
parallel safe
return status <> all (array['COMMITTED', 'RELEASED', 'EXPIRED']);

comment on function internal.is_open(text) is 'Whether a reservation or a line that is found by its id has not ended.';
