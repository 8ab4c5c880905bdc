-- The units of a transfer that this change is about, of those still on the way: the first of the named ones, as many as needed; unnamed, all that
-- are left, if that is as many and one thing has become of all. What was named for an earlier step of the same command is not on
-- the way any more. Errors: IV023 if it is not clear which units are meant, IV025 for one that is not on the way.
create or replace function internal.transfer_units(change internal.tracked_change, quantity bigint)
returns inventory.serial[]
language plpgsql
stable
set search_path = ''
as $$
declare
    v_named constant text[] := coalesce(internal.named_serials(change), '{}');
    v_left constant inventory.serial[] := array(
        select s
        from inventory.serial as s
        where s.transfer_id = change.transfer_id and s.status = 'in_transit' and s.item_id = change.item_id
        order by array_position(v_named, s.serial), s.serial);
    v_found constant bigint := (select count(*) from unnest(v_left) as u where u.serial = any (v_named));
begin
    if change.movement = 'receive' then
        perform internal.refuse_serials(change, 'IV025', array(
            select n from unnest(v_named) as n where n not in (select u.serial from unnest(v_left) as u)));
    end if;
    if v_found >= quantity or (cardinality(v_left) = quantity and least(change.on_hand, change.damaged) = 0) then
        return v_left[: quantity];
    end if;
    perform internal.refuse_tracked(change, 'IV023', internal.problem('serials', 'must name each unit')
        || jsonb_build_object('requested', quantity, 'named', v_found, 'in_transit', cardinality(v_left)));
    return null;
end
$$;

comment on function internal.transfer_units(internal.tracked_change, bigint) is 'The units of a transfer that a change is about.';
