-- Writes checked item descriptions, in sku order. Rows that would stay as they are are not touched.
-- Answers the version that each row had before which was written (0 = it was made), by its sku.
create or replace function internal.write_items(items jsonb)
returns jsonb
language sql
volatile
set search_path = ''
as $$
    -- What was given, by sku. A field that was not given keeps what the row has when it is locked, not what it had when this began:
    -- sessions that change different fields of one row all keep theirs.
    with given as materialized (
        select jsonb_object_agg(e.body ->> 'sku', e.body) as bodies
        from jsonb_array_elements(items) as e (body)
    ), written as (
        insert into inventory.item as i (sku, name, description, kind, parent_id, category_id, unit_of_measure, tags, dimensions,
            metadata, status, tracking, version)
        select e.body ->> 'sku', coalesce(e.body ->> 'name', k.name), coalesce(e.body ->> 'description', k.description),
            coalesce(e.body ->> 'kind', k.kind, 'physical'), coalesce(p.id, k.parent_id), coalesce(c.id, k.category_id),
            coalesce(e.body ->> 'unit_of_measure', k.unit_of_measure, 'EACH'),
            case when e.body ? 'tags' then array(select jsonb_array_elements_text(e.body -> 'tags')) else coalesce(k.tags, '{}') end,
            coalesce(e.body -> 'dimensions', k.dimensions), coalesce(e.body -> 'metadata', k.metadata, '{}'),
            coalesce(e.body ->> 'status', k.status, 'active'), coalesce(e.body ->> 'tracking', k.tracking, 'none'),
            greatest(1, (select internal.version_floor()))
        from jsonb_array_elements(items) as e (body)
        left join inventory.item as k on k.sku = e.body ->> 'sku'
        left join inventory.item as p on p.sku = e.body ->> 'parent_sku'
        left join inventory.category as c on c.code = e.body ->> 'category'
        order by e.body ->> 'sku' collate "C"
        on conflict (sku) do update
        set name = case when (select g.bodies from given as g) -> i.sku ? 'name' then excluded.name else i.name end,
            description = case when (select g.bodies from given as g) -> i.sku ? 'description' then excluded.description else i.description end,
            kind = case when (select g.bodies from given as g) -> i.sku ? 'kind' then excluded.kind else i.kind end,
            parent_id = case when (select g.bodies from given as g) -> i.sku ? 'parent_sku' then excluded.parent_id else i.parent_id end,
            category_id = case when (select g.bodies from given as g) -> i.sku ? 'category' then excluded.category_id else i.category_id end,
            unit_of_measure = case when (select g.bodies from given as g) -> i.sku ? 'unit_of_measure' then excluded.unit_of_measure else i.unit_of_measure end,
            tags = case when (select g.bodies from given as g) -> i.sku ? 'tags' then excluded.tags else i.tags end,
            dimensions = case when (select g.bodies from given as g) -> i.sku ? 'dimensions' then excluded.dimensions else i.dimensions end,
            metadata = case when (select g.bodies from given as g) -> i.sku ? 'metadata' then excluded.metadata else i.metadata end,
            status = case when (select g.bodies from given as g) -> i.sku ? 'status' then excluded.status else i.status end,
            tracking = case when (select g.bodies from given as g) -> i.sku ? 'tracking' then excluded.tracking else i.tracking end,
            version = greatest(i.version + 1, (select internal.version_floor())),
            updated_at = clock_timestamp()
        where ((select g.bodies from given as g) -> i.sku ? 'name' and i.name is distinct from excluded.name)
            or ((select g.bodies from given as g) -> i.sku ? 'description' and i.description is distinct from excluded.description)
            or ((select g.bodies from given as g) -> i.sku ? 'kind' and i.kind is distinct from excluded.kind)
            or ((select g.bodies from given as g) -> i.sku ? 'parent_sku' and i.parent_id is distinct from excluded.parent_id)
            or ((select g.bodies from given as g) -> i.sku ? 'category' and i.category_id is distinct from excluded.category_id)
            or ((select g.bodies from given as g) -> i.sku ? 'unit_of_measure' and i.unit_of_measure is distinct from excluded.unit_of_measure)
            or ((select g.bodies from given as g) -> i.sku ? 'tags' and i.tags is distinct from excluded.tags)
            or ((select g.bodies from given as g) -> i.sku ? 'dimensions' and i.dimensions is distinct from excluded.dimensions)
            or ((select g.bodies from given as g) -> i.sku ? 'metadata' and i.metadata is distinct from excluded.metadata)
            or ((select g.bodies from given as g) -> i.sku ? 'status' and i.status is distinct from excluded.status)
            or ((select g.bodies from given as g) -> i.sku ? 'tracking' and i.tracking is distinct from excluded.tracking)
        returning new.sku as key, old.version as before
    )
    select coalesce(jsonb_object_agg(w.key, coalesce(w.before, 0)), '{}') from written as w
$$;

comment on function internal.write_items(jsonb) is 'Writes checked item descriptions, in sku order.';
