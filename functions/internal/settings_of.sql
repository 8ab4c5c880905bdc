-- The settings of a stock level at one of its versions: {"safety_stock", "reorder_point", "policy"}. They are those of the last policy
-- movement until then; if that was retired, those of the closing balance; if there was none, what the first one after it replaced; and
-- if there never was one, those that the level still has.
create or replace function internal.settings_of(item_id uuid, location_id text, version bigint)
returns jsonb
language sql
stable
set search_path = ''
as $$
    select coalesce(
        (select m.detail - 'before'
            from inventory.stock_movement as m
            where m.item_id = settings_of.item_id and m.location_id = settings_of.location_id and m.type = 'policy'
                and m.version <= settings_of.version and m.detail ? 'policy'
            order by m.version desc
            limit 1),
        (select jsonb_build_object('safety_stock', c.safety_stock, 'reorder_point', c.reorder_point, 'policy', c.policy)
            from inventory.closing_balance as c
            where c.month = (select max(r.month) from inventory.retired_partition as r)
                and c.item_id = settings_of.item_id and c.location_id = settings_of.location_id
                and c.version <= settings_of.version
            order by c.version desc
            limit 1),
        (select m.detail -> 'before'
            from inventory.stock_movement as m
            where m.item_id = settings_of.item_id and m.location_id = settings_of.location_id and m.type = 'policy'
                and m.version > settings_of.version and m.detail ? 'before'
            order by m.version
            limit 1),
        (select jsonb_build_object('safety_stock', s.safety_stock, 'reorder_point', s.reorder_point, 'policy', s.policy)
            from inventory.stock_level as s
            where s.item_id = settings_of.item_id and s.location_id = settings_of.location_id))
$$;

comment on function internal.settings_of(uuid, text, bigint) is 'The settings of a stock level at one of its versions.';
