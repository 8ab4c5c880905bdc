-- The units with these serial numbers, if they lie where the change is, in that status, and may be taken for it.
-- Errors: IV025 for those that do not lie there, IV001 for those that another reservation has named, IV022 for a lot that has expired or was
-- recalled where that matters, IV023 for those of another lot than the one that is named.
create or replace function internal.serials_there(change internal.tracked_change, serials text[], status text)
returns inventory.serial[]
language plpgsql
stable
set search_path = ''
as $$
declare
    v_found inventory.serial[];
begin
    select array_agg(s order by s.serial) into v_found
    from inventory.serial as s
    where s.item_id = change.item_id and s.serial = any (serials) and s.location_id = change.location_id and s.status = serials_there.status;
    perform internal.refuse_serials(change, 'IV025', array(
        select n from unnest(serials) as n where n not in (select f.serial from unnest(v_found) as f)));
    perform internal.refuse_serials(change, 'IV001', array(
        select f.serial
        from unnest(v_found) as f
        where f.reservation_id is not null and f.reservation_id is distinct from change.reservation_id));
    perform internal.refuse_serials(change, 'IV022', array(
        select f.serial
        from unnest(v_found) as f
        join inventory.lot as l on l.id = f.lot_id
        where internal.needs_sellable(change.movement) and least(l.expires_at, l.recalled_at) <= change.instant));
    perform internal.refuse_serials(change, 'IV023', array(
        select f.serial
        from unnest(v_found) as f
        left join inventory.lot as l on l.id = f.lot_id
        where l.code is distinct from coalesce(change.line ->> 'lot', l.code)));
    return v_found;
end
$$;

comment on function internal.serials_there(internal.tracked_change, text[], text) is 'The units with these serial numbers, if they may be taken for a change.';
