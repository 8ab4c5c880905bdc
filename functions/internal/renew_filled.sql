-- Gives a new version to the reservations that got stock they waited for since these levels were locked: what they hold has changed. Once for a
-- whole call, in id order, after all that it locks levels for: others may be doing the same for other lines of the same reservations.
create or replace function internal.renew_filled(levels internal.level[], instant timestamptz)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_filled uuid[];
begin
    if not exists (select from unnest(levels) as v where v.special) then
        return;
    end if;
    v_filled := array(
        select distinct m.reservation_id
        from unnest(levels) as v
        join inventory.stock_movement as m on m.item_id = v.item_id and m.location_id = v.location_id
        -- The version says which; the time leaves out months, with room for a clock that is set back.
        where v.special and m.version > v.version and m.type = 'allocate' and m.recorded_at >= instant - interval '1 hour');
    if v_filled = '{}' then
        return;
    end if;
    -- A statement of its own, without a join: the check that Postgres makes of a row that changed while it was waited for would find no
    -- partner for it, and leave it out.
    perform from inventory.reservation as r where r.id = any (v_filled) order by r.id for no key update of r;
    update inventory.reservation as r
    set version = greatest(r.version + 1, internal.version_floor()), updated_at = greatest(r.updated_at, instant)
    where r.id = any (v_filled);
end
$$;

comment on function internal.renew_filled(internal.level[], timestamptz) is 'Gives a new version to the reservations that got stock they waited for.';
