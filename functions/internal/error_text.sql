-- Message and hint of each SQLSTATE of class IV. The table in functions/README.md and the enum in onhand-db say the same;
-- a test holds the three together.
create or replace function internal.error_text(code text, out slug text, out message text, out hint text)
language sql
immutable
parallel safe
set search_path = ''
as $$
    select t.slug, t.message, t.hint
    from (values
        ('IV001', 'insufficient_stock', 'not enough stock is available',
            'Ask for less, take another location, or wait until stock comes in.'),
        ('IV002', 'reservation_expired', 'the reservation has expired',
            'Reserve again: the stock it held is for sale.'),
        ('IV003', 'unknown_item', 'no item has this sku',
            'Create it with api.upsert_item, or check the spelling: a sku is case-sensitive.'),
        ('IV004', 'unknown_location', 'no location has this id',
            'Create it with api.upsert_location, or check the spelling: an id is case-sensitive.'),
        ('IV005', 'unknown_reservation', 'no reservation has this id',
            'Check the id that api.reserve_stock answered.'),
        ('IV006', 'stale_version', 'the row has changed since the version that was expected',
            'Read the row again and decide with the version it has now.'),
        ('IV007', 'idempotency_key_reused', 'this idempotency key was used for another request',
            'Use a new key for a new request; repeat a request unchanged under its old key.'),
        ('IV008', 'invalid_argument', 'an argument is missing or malformed',
            'DETAIL names the field and what it must be.'),
        ('IV009', 'reservation_not_pending', 'the reservation is not pending',
            'Only a pending reservation can be confirmed, cancelled or expired; DETAIL has its status.'),
        ('IV010', 'item_archived', 'the item is archived',
            'Archived items are neither received nor reserved. Set its status to active first.'),
        ('IV011', 'location_closed', 'the location is closed',
            'Closed locations neither receive nor reserve. Set its status to open first.'),
        ('IV012', 'quantity_out_of_range', 'the quantity or its result is out of range',
            'Balances lie within 10^12 in either direction.'),
        ('IV013', 'batch_too_large', 'the batch has too many entries',
            'Send at most 1,000 entries in one call.'),
        ('IV014', 'reservation_exists', 'a reservation with this id exists already',
            'Leave reservation_id out, or send the same request under an idempotency key to have it replayed.'),
        ('IV015', 'unknown_unit', 'the item has no such unit of measure',
            'Add it with api.set_item_units, or give the quantity in the base unit.'),
        ('IV016', 'not_stockable', 'the item has no stock of its own',
            'A bundle is received, counted and moved by its components.'),
        ('IV017', 'bundle_cycle', 'a bundle cannot contain itself',
            'Leave out the component that leads back to the bundle; DETAIL names it.'),
        ('IV018', 'unknown_transfer', 'no transfer has this id',
            'Check the id that api.ship_stock answered.'),
        ('IV019', 'transfer_closed', 'the transfer is closed',
            'Everything that was shipped has been received, lost or called back; DETAIL has its state.'),
        ('IV020', 'reservation_backordered', 'a part of the reservation still waits for stock',
            'Wait until stock comes in, or confirm only what is allocated.'),
        ('IV021', 'unknown_lot', 'the item has no lot with this code',
            'Receive the lot first, or check the spelling: a lot code is case-sensitive.'),
        ('IV022', 'lot_not_sellable', 'the lot has expired or was recalled',
            'Cancel and reserve again to get another lot; write off what is left of this one.'),
        ('IV023', 'tracking_mismatch', 'the command does not fit the way the item is tracked',
            'DETAIL says what is missing or too much: a lot, serial numbers, or neither.'),
        ('IV024', 'serial_exists', 'the serial number is in stock already',
            'A serial number is in one place at a time; check what was scanned.'),
        ('IV025', 'unknown_serial', 'the serial number is not in stock there',
            'Check the number and the location; api.find_serial says where it is.'),
        ('IV026', 'unknown_reason', 'no reason has this code',
            'Take a code of api.list_reasons, or add it with api.upsert_reason.'),
        ('IV027', 'inexact_conversion', 'the quantity is no whole number of that unit',
            'Give the quantity in a smaller unit.'),
        ('IV028', 'unknown_supplier', 'no supplier has this code',
            'Create it with api.upsert_supplier, or check the spelling: a code is case-sensitive.'),
        ('IV029', 'unknown_purchase_order', 'no purchase order has this id',
            'Check the id that api.place_purchase_order answered.'),
        ('IV030', 'purchase_order_closed', 'the purchase order is closed',
            'Everything on it has been received or called off; DETAIL has its state.'),
        ('IV031', 'unknown_count', 'no stock count has this id',
            'Check the id that api.open_count answered.'),
        ('IV032', 'count_closed', 'the stock count is not in the state for this',
            'DETAIL has its status: lines are counted while it is open, it is posted once it is approved.'),
        ('IV033', 'history_retired', 'the ledger of that time was retired',
            'Ask for a later instant; DETAIL has the first one that can be answered.')
    ) as t (code, slug, message, hint)
    where t.code = error_text.code
$$;

comment on function internal.error_text(text) is 'Slug, message and hint of a SQLSTATE of class IV.';
