-- Frees what is due on these locked levels: by set where nothing but holds can be due, key by key on special ones.
create or replace function internal.free_due(levels internal.level[], instant timestamptz)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_level internal.level;
begin
    perform internal.release_due_holds(array(select v from unnest(levels) as v where v.next_hold_at <= instant and not v.special),
        instant);
    for v_level in select v.* from unnest(levels) as v where v.next_hold_at <= instant and v.special order by v.position loop
        perform internal.free_due_on(v_level.item_id, v_level.location_id, instant);
    end loop;
end
$$;

comment on function internal.free_due(internal.level[], timestamptz) is 'Frees what is due on these locked levels.';
