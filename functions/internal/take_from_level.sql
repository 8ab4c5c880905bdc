-- How much of a demand a locked level gives now and how much waits: all or nothing, what there is (partial), or what there is and a
-- backorder for the rest, as the policy of the level and the command say. Errors: IV001 insufficient_stock.
create or replace function internal.take_from_level(level inventory.stock_level, sku text, wanted bigint, partial boolean,
    out taken bigint, out waiting bigint)
language plpgsql
immutable
set search_path = ''
as $$
begin
    waiting := 0;
    if level.policy in ('oversell', 'unlimited') or level.available >= wanted then
        taken := wanted;
        return;
    end if;
    taken := greatest(least(level.available, wanted), 0);
    if partial then
        return;
    elsif level.policy = 'backorder' then
        waiting := wanted - taken;
        return;
    end if;
    perform internal.raise_error('IV001', jsonb_build_object('sku', sku, 'location', level.location_id, 'requested', wanted,
        'available', level.available, 'version', level.version));
end
$$;

comment on function internal.take_from_level(inventory.stock_level, text, bigint, boolean) is 'How much of a demand a level gives now and how much waits.';
