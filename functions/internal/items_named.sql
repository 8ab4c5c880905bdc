-- The items with these skus, each once, that can be counted. Errors: IV003, IV008 (a sku that is null), IV013, IV016.
create or replace function internal.items_named(skus text[], most integer)
returns uuid[]
language plpgsql
stable
set search_path = ''
as $$
begin
    if cardinality(skus) > most then
        perform internal.raise_error('IV013', jsonb_build_object('entries', cardinality(skus), 'most', most));
    elsif array_ndims(skus) > 1 then
        perform internal.raise_error('IV008', internal.problem('skus', 'must be a plain array of texts'));
    elsif array_position(skus, null) is not null then
        perform internal.raise_error('IV008', internal.problem('skus', 'must be texts'));
    end if;
    perform internal.check_item_use(i, n.sku, false, false)
    from unnest(skus) as n (sku)
    left join inventory.item as i on i.sku = n.sku;
    return array(select i.id from inventory.item as i where i.sku = any (skus) order by i.id);
end
$$;

comment on function internal.items_named(text[], integer) is 'The items with these skus, each once, that can be counted.';
