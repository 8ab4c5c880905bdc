-- The first instant of a month of the ledger; its months are those of UTC. Inlined by the planner: no set clause.
create or replace function internal.month_start(month date)
returns timestamptz
language sql
immutable
parallel safe
return pg_catalog.timezone('UTC', pg_catalog.date_trunc('month', month::timestamp));

comment on function internal.month_start(date) is 'The first instant of a month of the ledger, in UTC.';
