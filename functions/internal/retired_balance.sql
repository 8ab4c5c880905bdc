-- The closing balance of the last month that was retired, where a replay of the ledger begins; no row if nothing of a key was retired.
create or replace function internal.retired_balance(item_id uuid, location_id text)
returns setof inventory.closing_balance
language sql
stable
rows 1
set search_path = ''
as $$
    select c.*
    from inventory.closing_balance as c
    where c.month = (select max(r.month) from inventory.retired_partition as r)
        and c.item_id = retired_balance.item_id and c.location_id = retired_balance.location_id
    order by c.version desc
    limit 1
$$;

comment on function internal.retired_balance(uuid, text) is 'The closing balance that a replay of the ledger begins at.';
