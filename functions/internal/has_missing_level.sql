-- Whether one of these keys has no row yet.
create or replace function internal.has_missing_level(levels internal.level[])
returns boolean
language plpgsql
immutable
set search_path = ''
as $$
declare
    v_level internal.level;
begin
    foreach v_level in array coalesce(levels, '{}') loop
        if not v_level.found then
            return true;
        end if;
    end loop;
    return false;
end
$$;

comment on function internal.has_missing_level(internal.level[]) is 'Whether one of these keys has no row yet.';
