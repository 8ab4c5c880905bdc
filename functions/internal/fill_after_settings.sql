-- Gives those who wait on a level what its new settings let them have: all of it once it is never short. Returns the level.
create or replace function internal.fill_after_settings(level inventory.stock_level, reason text, user_id text, source text,
    instant timestamptz)
returns inventory.stock_level
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_command internal.command;
begin
    if level.backordered = 0 or level.policy not in ('oversell', 'unlimited') then
        return level;
    end if;
    v_command.op := 'reserve';
    v_command.body := '{}';
    v_command.reason := reason;
    v_command.user_id := user_id;
    v_command.source := coalesce(source, 'sql');
    perform internal.fill_backorders(v_command, level.item_id, level.location_id, instant);
    return internal.level_or_empty(level.item_id, level.location_id, instant);
end
$$;

comment on function internal.fill_after_settings(inventory.stock_level, text, text, text, timestamptz) is 'Gives those who wait on a level what its new settings let them have.';
