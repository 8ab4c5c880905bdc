-- What the checks ask of Onhand, under the names that they ask the faulty copies with.
create schema ours;

create view ours.stock as
select i.sku, s.location_id as location, s.on_hand, s.reserved, s.available,
    coalesce((
        select sum(l.quantity)::bigint
        from inventory.reservation_line as l
        where l.item_id = s.item_id and l.location_id = s.location_id and l.status = 'PENDING'), 0) as promised
from inventory.stock_level as s
join inventory.item as i on i.id = s.item_id;

create view ours.ledger as
select i.sku, m.location_id as location, m.version, m.on_hand_delta, m.on_hand, m.available
from inventory.stock_movement as m
join inventory.item as i on i.id = m.item_id;

-- Each state of a row that a consumer of the change stream sees.
create table ours.seen (sku text not null, version bigint not null, available bigint not null, status text not null);

create function ours.see()
returns trigger
language plpgsql
security definer
as $$
begin
    insert into ours.seen (sku, version, available, status)
    select i.sku, new.version, new.available, new.status
    from inventory.item as i
    where i.id = new.item_id;
    return null;
end
$$;

create trigger seen
    after insert or update on inventory.stock_level
    for each row execute function ours.see();
