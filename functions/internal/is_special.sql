-- Whether a well-formed command asks for more than the set-based decision does. Runs once for each command: plain expressions, no set clause.
create or replace function internal.is_special(body jsonb)
returns boolean
language sql
immutable
parallel safe
return body ->> 'op' <> all ('{add,remove,adjust,move,reserve,confirm,cancel,expire}'::text[])
    or body ?| '{unit,lot,lot_expires_at,serials,partial,strategy,locations,replace,reason_code}'::text[]
    or (body ? 'lines' and (body ->> 'op' = 'confirm' or body ->> 'op' = 'move'
        or jsonb_path_exists(body, '$.lines[*] ? (exists(@.unit) || exists(@.lot) || exists(@.lot_expires_at) || exists(@.serials) || exists(@.expected_version))'::jsonpath)))
    or (body ? 'expected_version' and body ->> 'op' = 'move');

comment on function internal.is_special(jsonb) is 'Whether a command asks for more than the set-based decision does.';
