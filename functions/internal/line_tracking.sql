-- What a command names for one key: its lot and serial numbers.
create or replace function internal.line_tracking(command internal.command, sku text, location_id text)
returns jsonb
language sql
immutable
set search_path = ''
as $$
    select coalesce((
        select jsonb_strip_nulls(jsonb_build_object('lot', min(l.line ->> 'lot'),
            'serials', nullif(jsonb_path_query_array(jsonb_agg(l.line), '$[*].serials[*]'), '[]')))
        from internal.command_lines(command.body) as l
        where coalesce(l.line ->> 'sku', line_tracking.sku) = line_tracking.sku
            and coalesce(l.line ->> 'location', line_tracking.location_id) = line_tracking.location_id
    ), '{}')
$$;

comment on function internal.line_tracking(internal.command, text, text) is 'What a command names for one key: its lot and serial numbers.';
