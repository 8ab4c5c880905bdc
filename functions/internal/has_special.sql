-- Whether a batch that looked plain needs special treatment: an item with lots, serial numbers, components or no limit, a level where
-- somebody waits for stock or whose policy is more than allow or deny.
create or replace function internal.has_special(lines internal.line[], levels internal.level[])
returns boolean
language sql
immutable
set search_path = ''
as $$
    select exists (select from unnest(levels) as v where v.special) or exists (select from unnest(lines) as l where l.special)
$$;

comment on function internal.has_special(internal.line[], internal.level[]) is 'Whether a batch that looked plain needs special treatment.';
