-- Applies a batch whose rows are locked, cut where it must be, in the order given.
create or replace function internal.apply_parts(commands internal.command[], special integer[])
returns internal.answer[]
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_segments constant integer[] := internal.segments_of(commands, special);
    v_from integer := 1;
    v_answers internal.answer[] := '{}';
begin
    for v_at in 1 .. cardinality(commands) loop
        if v_at = cardinality(commands) or v_segments[v_at + 1] <> v_segments[v_at] then
            v_answers := v_answers || internal.apply_part(commands[v_from : v_at], commands[v_at].ordinal = any (special));
            v_from := v_at + 1;
        end if;
    end loop;
    return v_answers;
end
$$;

comment on function internal.apply_parts(internal.command[], integer[]) is 'Applies a batch whose rows are locked, part by part.';
