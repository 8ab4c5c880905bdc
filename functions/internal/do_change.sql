-- Add, remove, adjust, return, quarantine, restore and write off: each line changes one level.
-- A bundle is removed by its components; all else that names a bundle is refused (IV016).
create or replace function internal.do_change(command internal.command, instant timestamptz)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_enters constant boolean := command.op in ('add', 'return');
    v_bundles constant boolean := command.op = 'remove';
    v_line record;
    v_change record;
    v_levels jsonb := '[]';
begin
    perform internal.check_expected(command, v_enters, v_bundles);
    for v_line in select l.* from internal.expand_lines(command, v_enters, v_bundles) as l loop
        v_change := internal.change_of(command.body, v_line.quantity);
        v_levels := v_levels || (internal.change_level(command, v_line.item_id, v_line.location_id, v_change.movement,
            v_change.deltas, instant, detail => internal.tracked_detail(v_line.line), line => v_line.line)
            || jsonb_build_object('quantity', v_line.quantity));
    end loop;
    return jsonb_build_object('levels', v_levels);
end
$$;

comment on function internal.do_change(internal.command, timestamptz) is 'Applies a special operation on single places.';
