-- Whether a balance may be left like this. What does not take from availability is never refused for want of it.
-- Inlined by the planner: no set clause.
create or replace function internal.fits(available_delta bigint, on_hand bigint, reserved bigint, oversell boolean)
returns boolean
language sql
immutable
parallel safe
return (available_delta >= 0 or oversell or on_hand - reserved >= 0)
    and abs(on_hand) <= 1000000000000
    and reserved between 0 and 1000000000000;

comment on function internal.fits(bigint, bigint, bigint, boolean) is 'Whether a balance may be left like this.';
