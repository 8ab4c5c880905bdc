-- Whether a movement may take only what can be sold: not a lot that has expired or was recalled. What is written off, counted or corrected may
-- be of any lot. Inlined by the planner: no set clause.
create or replace function internal.needs_sellable(movement text)
returns boolean
language sql
immutable
parallel safe
return movement in ('reserve', 'allocate', 'commit', 'transfer_out', 'ship', 'restore');

comment on function internal.needs_sellable(text) is 'Whether a movement may take only what can be sold.';
