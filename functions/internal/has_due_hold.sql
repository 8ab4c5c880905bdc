-- Whether a hold on one of these levels is past its deadline.
create or replace function internal.has_due_hold(levels internal.level[], instant timestamptz)
returns boolean
language plpgsql
immutable
set search_path = ''
as $$
declare
    v_level internal.level;
begin
    foreach v_level in array coalesce(levels, '{}') loop
        if v_level.next_hold_at <= instant then
            return true;
        end if;
    end loop;
    return false;
end
$$;

comment on function internal.has_due_hold(internal.level[], timestamptz) is 'Whether a hold on one of these levels is past its deadline.';
