-- A computed quantity rounded up to whole units; what binary fractions add below a millionth does not make a unit. Null stays null.
create or replace function internal.whole_units(quantity double precision)
returns bigint
language sql
immutable
strict
parallel safe
set search_path = ''
as $$
    select least(ceil(round(quantity::numeric, 6)), 1000000000000)::bigint
$$;

comment on function internal.whole_units(double precision) is 'A computed quantity rounded up to whole units.';
