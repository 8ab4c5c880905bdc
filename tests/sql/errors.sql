-- internal.error_text: the errors that functions/README.md lists. The test contracts holds README, SQL and Rust equal.
begin;
select plan(5);
select results_eq(
    $$ select c.code, (internal.error_text(c.code)).slug
        from (select 'IV' || lpad(n::text, 3, '0') as code from generate_series(0, 999) as n) as c
        where (internal.error_text(c.code)).slug is not null
        order by c.code $$,
    $$ values ('IV001', 'insufficient_stock'),
        ('IV002', 'reservation_expired'),
        ('IV003', 'unknown_item'),
        ('IV004', 'unknown_location'),
        ('IV005', 'unknown_reservation'),
        ('IV006', 'stale_version'),
        ('IV007', 'idempotency_key_reused'),
        ('IV008', 'invalid_argument'),
        ('IV009', 'reservation_not_pending'),
        ('IV010', 'item_archived'),
        ('IV011', 'location_closed'),
        ('IV012', 'quantity_out_of_range'),
        ('IV013', 'batch_too_large'),
        ('IV014', 'reservation_exists'),
        ('IV015', 'unknown_unit'),
        ('IV016', 'not_stockable'),
        ('IV017', 'bundle_cycle'),
        ('IV018', 'unknown_transfer'),
        ('IV019', 'transfer_closed'),
        ('IV020', 'reservation_backordered'),
        ('IV021', 'unknown_lot'),
        ('IV022', 'lot_not_sellable'),
        ('IV023', 'tracking_mismatch'),
        ('IV024', 'serial_exists'),
        ('IV025', 'unknown_serial'),
        ('IV026', 'unknown_reason'),
        ('IV027', 'inexact_conversion'),
        ('IV028', 'unknown_supplier'),
        ('IV029', 'unknown_purchase_order'),
        ('IV030', 'purchase_order_closed'),
        ('IV031', 'unknown_count'),
        ('IV032', 'count_closed'),
        ('IV033', 'history_retired') $$,
    'each code has its name, and there is no other');
select is_empty(
    $$ select c.code from (select 'IV' || lpad(n::text, 3, '0') as code from generate_series(0, 999) as n) as c
        cross join lateral internal.error_text(c.code) as t
        where t.slug is not null and (length(t.message) < 5 or length(t.hint) < 5 or t.message ~ '\.$' or t.hint !~ '\.$') $$,
    'each has a message without a full stop and a hint with one');
select is((select t.slug from internal.error_text('23505') as t), null, 'other codes have none');

-- How a refusal looks to a client.
create function pg_temp.raised(out code text, out message text, out detail text, out hint text) language plpgsql as $$
begin
    perform internal.raise_error('IV001', '{"sku": "A"}');
exception
    when others then
        get stacked diagnostics code = returned_sqlstate, message = message_text, detail = pg_exception_detail, hint = pg_exception_hint;
end
$$;
select results_eq('select * from pg_temp.raised()',
    $$ values ('IV001', 'not enough stock is available', '{"sku": "A"}', 'Ask for less, take another location, or wait until stock comes in.') $$,
    'a plain message, a JSON detail, a hint');
select throws_ok($$ select internal.raise_error('IV003', null) $$, 'IV003', null, 'the detail may be missing');
select * from finish();
rollback;
