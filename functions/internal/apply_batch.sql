-- Applies parsed commands: by one set where all of them are plain and nothing is named twice, else part by part.
create or replace function internal.apply_batch(commands internal.command[], mixed boolean, attempt integer)
returns internal.answer[]
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_answers internal.answer[];
begin
    if not mixed then
        v_answers := internal.apply_segment(commands);
        if v_answers is not null then
            return v_answers;
        end if;
    end if;
    return case when mixed then internal.apply_mixed(commands, attempt) else internal.apply_guarded(commands, true) end;
end
$$;

comment on function internal.apply_batch(internal.command[], boolean, integer) is 'Applies parsed commands by one set, or part by part.';
