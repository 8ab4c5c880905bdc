-- Posts an approved count: the variance of each line is added to what is on hand now, so that movements since the counting moment stand. All or
-- nothing: a variance that would take away what reservations hold refuses the count (IV001, DETAIL has the line) unless the policy of the
-- level lets availability go below zero. Release or move the reservations that cannot be kept, then post again.
create or replace function internal.do_count(command internal.command, instant timestamptz)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_count constant inventory.stock_count := internal.lock_count((command.body ->> 'count_id')::uuid, '{APPROVED}');
    v_command internal.command := command;
    v_line inventory.stock_count_line;
    v_change record;
    v_levels jsonb := '[]';
    v_posted bigint;
begin
    perform internal.expect_version(command.expected_version, v_count.version, jsonb_build_object('count_id', v_count.id));
    v_command.reason := coalesce(command.reason, 'count variance');
    v_command.reference := coalesce(command.reference, v_count.reference, v_count.id::text);
    v_command.body := command.body || '{"reason_code": "count_variance"}';
    for v_line in
        select l.*
        from inventory.stock_count_line as l
        where l.stock_count_id = v_count.id and l.counted is not null
        order by l.item_id, l.lot
    loop
        v_posted := 0;
        v_command.occurred_at := v_line.counted_at;
        -- Locked already, unless the line was added between the look for keys and the approval: the variance is that of a row that stands still.
        perform internal.level_or_empty(v_line.item_id, v_count.location_id, instant);
        for v_change in select c.* from internal.count_changes(v_line, v_count.location_id) as c where c.delta <> 0 loop
            v_levels := v_levels || (internal.change_level(v_command, v_line.item_id, v_count.location_id, 'count',
                internal.make_deltas(on_hand => v_change.delta), instant, line => v_change.tracked,
                detail => v_change.tracked || jsonb_build_object('count_id', v_count.id, 'counted', v_line.counted))
                || jsonb_build_object('variance', v_change.delta));
            v_posted := v_posted + v_change.delta;
        end loop;
        update inventory.stock_count_line as l set posted_variance = v_posted
        where l.stock_count_id = v_count.id and l.item_id = v_line.item_id and l.lot = v_line.lot;
    end loop;
    update inventory.stock_count as c
    set status = 'POSTED', posted_by = command.user_id, posted_at = instant, updated_at = instant,
        version = greatest(c.version + 1, internal.version_floor())
    where c.id = v_count.id;
    return jsonb_build_object('count_id', v_count.id, 'status', 'POSTED', 'levels', v_levels);
end
$$;

comment on function internal.do_count(internal.command, timestamptz) is 'Posts an approved count: adds the variance of each line.';
