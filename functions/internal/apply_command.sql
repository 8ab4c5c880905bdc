-- Applies one command and returns its answer with "replayed"; raises what a batch would answer as a refusal.
create or replace function internal.apply_command(command jsonb)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_answer record;
begin
    select a.* into v_answer from api.apply_commands(jsonb_build_array(jsonb_strip_nulls(command))) as a;
    if v_answer.outcome = 'refused' then
        perform internal.raise_error(v_answer.code, v_answer.detail);
    end if;
    return v_answer.answer || jsonb_build_object('replayed', v_answer.outcome = 'replayed');
end
$$;

comment on function internal.apply_command(jsonb) is 'Applies one command; a refusal is raised.';
