-- Makes the categories that these items name and nobody made yet; their name is their code until it is set.
create or replace function internal.ensure_categories(items jsonb)
returns void
language sql
volatile
set search_path = ''
as $$
    insert into inventory.category (code, name, version)
    select distinct on (c.code) c.code, c.code, greatest(1, (select internal.version_floor()))
    from (select e.body ->> 'category' as code from jsonb_array_elements(items) as e (body)) as c
    where c.code is not null and not exists (select from inventory.category as k where k.code = c.code)
    order by c.code
    on conflict (code) do nothing
$$;

comment on function internal.ensure_categories(jsonb) is 'Makes the categories that these items name and nobody made yet.';
