-- Commands from JSON to rows. One whose form is wrong comes out refused; its neighbours do not notice.
create or replace function internal.parse_commands(commands jsonb, caller text, source text)
returns internal.command[]
language sql
volatile
set search_path = ''
as $$
    select array_agg(internal.parse_command(e.body, (e.position - 1)::integer, caller, source) order by e.position)
    from jsonb_array_elements(commands) with ordinality as e (body, position)
$$;

comment on function internal.parse_commands(jsonb, text, text) is 'Commands from JSON to rows; malformed ones come out refused.';
