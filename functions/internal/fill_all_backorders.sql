-- Fills the backorders on the keys of an answer and puts the levels that this leads to into the last entry of each key.
create or replace function internal.fill_all_backorders(command internal.command, answer jsonb, instant timestamptz)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_key record;
    v_level jsonb;
begin
    for v_key in
        select (l.level ->> 'item_id')::uuid as item_id, l.level ->> 'location' as location_id, max(l.position) - 1 as at
        from jsonb_array_elements(answer -> 'levels') with ordinality as l (level, position)
        group by 1, 2
        order by 1, 2
    loop
        v_level := internal.fill_backorders(command, v_key.item_id, v_key.location_id, instant);
        if v_level is not null then
            answer := jsonb_set(answer, array['levels', v_key.at::text],
                (answer #> array['levels', v_key.at::text]) || v_level);
        end if;
    end loop;
    return answer;
end
$$;

comment on function internal.fill_all_backorders(internal.command, jsonb, timestamptz) is 'Fills the backorders on the keys of an answer.';
