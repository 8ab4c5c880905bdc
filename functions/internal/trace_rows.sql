-- Everything a lot has got to, without the movements: where the rest lies, who holds it, whom it was sold to, which transfers took it.
create or replace function internal.trace_rows(lot inventory.lot)
returns table (kind text, location text, quantity bigint, status text, reservation_id uuid, transfer_id uuid, owner text, reference text,
    reason text, version bigint, at timestamptz)
language sql
stable
set search_path = ''
as $$
    select 'stock', v.location_id, s.quantity, s.state, null::uuid, null::uuid, null, null, lot.recall_reason, v.version, null::timestamptz
    from inventory.lot_level as v
    cross join lateral (values
        (v.on_hand - v.reserved, 'sellable'), (v.reserved, 'reserved'), (v.damaged, 'damaged')) as s (quantity, state)
    where v.lot_id = lot.id and s.quantity > 0
    union all
    select s.kind, r.location_id, s.quantity, s.state, r.reservation_id, null, o.owner, o.reference, null, o.version, o.updated_at
    from inventory.reservation_lot as r
    left join inventory.reservation as o on o.id = r.reservation_id
    cross join lateral (values
        ('reservation', r.quantity, 'PENDING'), ('sale', r.confirmed, 'COMMITTED')) as s (kind, quantity, state)
    where r.lot_id = lot.id and s.quantity > 0
    union all
    select 'transfer', case s.state when 'returned' then o.from_location else o.to_location end, s.quantity, s.state, null, t.transfer_id,
        null, o.reference, null, o.version, o.updated_at
    from inventory.transfer_lot as t
    left join inventory.transfer as o on o.id = t.transfer_id
    cross join lateral (values
        (t.shipped - t.received - t.damaged - t.lost - t.returned, 'in_transit'), (t.received, 'received'), (t.damaged, 'damaged'),
        (t.lost, 'lost'), (t.returned, 'returned')) as s (quantity, state)
    where t.item_id = lot.item_id and t.lot_id = lot.id and s.quantity > 0
$$;

comment on function internal.trace_rows(inventory.lot) is 'Everything a lot has got to, without the movements.';
