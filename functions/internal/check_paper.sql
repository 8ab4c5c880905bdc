-- The first thing wrong with the form of a command that follows a document: a transfer, a purchase order, a count, a recall.
create or replace function internal.check_paper(command jsonb, op text)
returns jsonb
language plpgsql
immutable
as $$
begin
    case
        when op in ('receive', 'cancel_transfer') then
            if not coalesce(pg_input_is_valid(command ->> 'transfer_id', 'uuid'), false) then
                return internal.problem('transfer_id', 'is required, a UUID');
            elsif command ? 'complete' and jsonb_typeof(command -> 'complete') <> 'boolean' then
                return internal.problem('complete', 'must be true or false');
            end if;
            return case when command ? 'lines' then internal.check_receipt(command) end;
        when op = 'count' then
            return internal.check_count_command(command);
        when op = 'recall' then
            return case when jsonb_typeof(command -> 'sku') is distinct from 'string' then internal.problem('sku', 'is required, a text')
                when jsonb_typeof(command -> 'lot') is distinct from 'string' then internal.problem('lot', 'is required, a text') end;
        else
            return internal.check_order_command(command);
    end case;
end
$$;

comment on function internal.check_paper(jsonb, text) is 'The first thing wrong with the form of a command that follows a document.';
