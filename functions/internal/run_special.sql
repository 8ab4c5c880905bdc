-- Applies one special command; refusals are raised. Stock that it made available then goes to the reservations that wait for it, and the
-- answer shows the levels as they are after that. Errors: IV026 unknown_reason for any of them.
create or replace function internal.run_special(command internal.command, instant timestamptz)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_answer jsonb;
begin
    perform internal.check_reason(command);
    case
        when command.op in ('add', 'remove', 'adjust', 'return', 'quarantine', 'restore', 'write_off') then v_answer := internal.do_change(command, instant);
        when command.op = 'reserve' then v_answer := internal.do_reserve(command, instant);
        when command.op in ('confirm', 'cancel', 'expire') then v_answer := internal.do_close(command, instant);
        when command.op = 'move' then v_answer := internal.do_move(command, instant);
        when command.op = 'ship' then v_answer := internal.do_ship(command, instant);
        when command.op = 'receive' then v_answer := internal.do_receive(command, instant);
        when command.op = 'cancel_transfer' then v_answer := internal.do_cancel_transfer(command, instant);
        when command.op = 'extend' then v_answer := internal.do_extend(command, instant);
        when command.op = 'relocate' then v_answer := internal.do_relocate(command, instant);
        when command.op = 'order' then v_answer := internal.do_order(command, instant);
        when command.op = 'receive_order' then v_answer := internal.do_receive_order(command, instant);
        when command.op = 'cancel_order' then v_answer := internal.do_cancel_order(command, instant);
        when command.op = 'count' then v_answer := internal.do_count(command, instant);
        when command.op = 'recall' then v_answer := internal.do_recall(command, instant);
    end case;
    return internal.fill_all_backorders(command, v_answer, instant);
end
$$;

comment on function internal.run_special(internal.command, timestamptz) is 'Applies one special command; refusals are raised.';
