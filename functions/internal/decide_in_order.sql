-- Decides the commands one after the other, in the order given: used where the whole demand does not fit, so that a small command
-- after a refused big one is still accepted. A command with several lines is all or nothing.
-- Works on plain arrays: one element for each line, balances by the position of their level.
create or replace function internal.decide_in_order(lines internal.line[], levels internal.level[])
returns internal.line[]
language plpgsql
immutable
set search_path = ''
as $$
declare
    v_line internal.line;
    v_lines internal.line[] := internal.order_lines(lines, levels);
    v_at integer[] := internal.positions_of(lines, levels);
    v_level internal.level;
    v_levels internal.level[] := levels;
    v_first integer := 1;
    v_next integer;
    v_count constant integer := cardinality(lines);
    v_code text;
begin
    while v_first <= v_count loop
        v_next := v_first;
        v_code := null;
        while v_next <= v_count and v_lines[v_next].ordinal = v_lines[v_first].ordinal loop
            v_line := v_lines[v_next];
            if v_line.code is not null then
                -- Refused for what it names: it has no level.
                v_code := coalesce(v_code, v_line.code);
            elsif v_code is null then
                v_level := v_levels[v_at[v_next]];
                v_code := internal.refusal_of(v_line, v_level);
                if v_code is not null then
                    v_line.code := v_code;
                    v_line.detail := internal.refusal_detail(v_line, v_level);
                    v_lines[v_next] := v_line;
                end if;
            end if;
            v_next := v_next + 1;
        end loop;
        if v_code is null then
            for v_i in v_first .. v_next - 1 loop
                v_line := v_lines[v_i];
                v_level := v_levels[v_at[v_i]];
                v_level.on_hand := v_level.on_hand + v_line.on_hand_delta;
                v_level.reserved := v_level.reserved + v_line.reserved_delta;
                v_level.version := v_level.next_version;
                v_level.next_version := v_level.next_version + 1;
                v_levels[v_at[v_i]] := v_level;
                v_line.on_hand := v_level.on_hand;
                v_line.reserved := v_level.reserved;
                v_line.version := v_level.version;
                v_lines[v_i] := v_line;
            end loop;
        end if;
        v_first := v_next;
    end loop;
    return v_lines;
end
$$;

comment on function internal.decide_in_order(internal.line[], internal.level[]) is 'Decides commands one after the other; refused ones leave their neighbours alone.';
