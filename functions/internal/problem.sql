-- What is wrong with one field, as the DETAIL of an invalid_argument.
create or replace function internal.problem(field text, problem text)
returns jsonb
language sql
immutable
parallel safe
return pg_catalog.jsonb_build_object('field', field, 'problem', problem);

comment on function internal.problem(text, text) is 'What is wrong with one field, as the detail of an invalid_argument.';
