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
            'Leave reservation_id out, or send the same request under an idempotency key to have it replayed.')
    ) as t (code, slug, message, hint)
    where t.code = error_text.code
$$;

comment on function internal.error_text(text) is 'Slug, message and hint of a SQLSTATE of class IV.';
