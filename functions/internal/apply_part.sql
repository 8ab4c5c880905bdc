-- Applies one special command, or a run of plain ones; a run that turns out to have become special (a reservation made earlier in the same
-- batch holds what needs it) is applied one by one.
create or replace function internal.apply_part(commands internal.command[], special boolean)
returns internal.answer[]
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_answers internal.answer[];
    v_command internal.command;
begin
    if not special then
        v_answers := internal.apply_segment(commands);
        if v_answers is not null then
            return v_answers;
        end if;
    end if;
    v_answers := '{}';
    foreach v_command in array commands loop
        v_answers := v_answers || internal.apply_special(v_command);
    end loop;
    return v_answers;
end
$$;

comment on function internal.apply_part(internal.command[], boolean) is 'Applies one special command, or a run of plain ones.';
