-- Closing balances of a month that are not what its movements lead to.
create or replace function internal.check_closing(month date)
returns setof api.finding
language sql
stable
set search_path = ''
as $$
    with closing as (
        select distinct on (c.item_id, c.location_id) c.*
        from inventory.closing_balance as c
        where c.month = check_closing.month
        order by c.item_id, c.location_id, c.version desc
    )
    select 'closing balances are what the movements of the month lead to', i.sku, coalesce(c.location_id, b.location_id),
        jsonb_build_object('month', check_closing.month, 'closing', to_jsonb(c) - '{month,item_id,location_id}'::text[],
            'ledger', to_jsonb(b) - '{month,item_id,location_id}'::text[])
    from closing as c
    full join internal.month_balances(check_closing.month) as b on b.item_id = c.item_id and b.location_id = c.location_id
    left join inventory.item as i on i.id = coalesce(c.item_id, b.item_id)
    where c is distinct from b
$$;

comment on function internal.check_closing(date) is 'Closing balances of a month that are not what its movements lead to.';
