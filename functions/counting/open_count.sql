-- Opens a count at a location: of the items named by skus; else of those of an ABC class (all classes without) whose last count is longest ago, up to
-- max_lines of them, leaving out what is on another count there that is open or approved. Nothing is frozen: stock moves on while it is
-- counted. Items with lots get a line for each lot that lies there.
-- Errors: IV003, IV004, IV007, IV008, IV013 (more than 1,000 skus), IV016 (a bundle is counted by its components). Locks nothing.
-- Idempotent by idempotency_key. Security definer because only the owner writes tables.
create or replace function api.open_count(location text, skus text[] default null, abc_class text default null,
    max_lines integer default 100, reference text default null, user_id text default null, idempotency_key text default null)
returns setof api.count_summary
language plpgsql
volatile
security definer
rows 1
set search_path = ''
as $$
declare
    v_request constant jsonb := jsonb_build_object('location', location, 'skus', skus, 'abc_class', abc_class,
        'max_lines', max_lines, 'reference', reference, 'user_id', user_id);
    v_id uuid;
    v_answer jsonb;
begin
    perform internal.check_request(jsonb_build_object('user_id', user_id, 'reference', reference,
        'idempotency_key', idempotency_key));
    perform internal.check_open_count(skus, abc_class, max_lines);
    v_answer := internal.find_answer('open_count', idempotency_key, v_request);
    if v_answer is null then
        v_id := uuidv7();
        insert into inventory.stock_count (id, location_id, abc_class, reference, opened_by, version)
        values (v_id, internal.location_id_of(location), abc_class, reference, user_id, greatest(1, internal.version_floor()));
        perform internal.add_count_lines(v_id, location, case when skus is not null then internal.items_named(skus, 1000)
            else internal.items_longest_ago(location, abc_class, max_lines) end);
        v_answer := internal.keep_answer('open_count', idempotency_key, v_request,
            (select to_jsonb(s) from internal.count_sums(v_id, false) as s));
    end if;
    return next jsonb_populate_record(null::api.count_summary, v_answer);
end
$$;

revoke execute on function api.open_count(text, text[], text, integer, text, text, text) from public;
grant execute on function api.open_count(text, text[], text, integer, text, text, text) to onhand_api, onhand_operator;
comment on function api.open_count(text, text[], text, integer, text, text, text) is 'Opens a count of items at a location.';
