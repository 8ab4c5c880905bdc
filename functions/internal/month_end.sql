-- The first instant after a month of the ledger. Inlined by the planner: no set clause.
create or replace function internal.month_end(month date)
returns timestamptz
language sql
immutable
parallel safe
return pg_catalog.timezone('UTC', pg_catalog.date_trunc('month', month::timestamp) + interval '1 month');

comment on function internal.month_end(date) is 'The first instant after a month of the ledger, in UTC.';
