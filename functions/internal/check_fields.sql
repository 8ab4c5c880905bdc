-- The first field that no command has, or that means nothing to the operation of this one.
create or replace function internal.check_fields(command jsonb, op text)
returns jsonb
language sql
immutable
as $$
    select internal.problem(f.name, case when f.name = any (internal.command_fields()) then 'does not go with ' || op
        else 'is not a field of a command' end)
    from jsonb_object_keys(command - internal.op_fields(op)) as f (name)
    order by f.name
    limit 1
$$;

comment on function internal.check_fields(jsonb, text) is 'The first field of a command that its operation does not have.';
