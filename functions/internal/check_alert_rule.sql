-- Refuses a rule that cannot be. Errors: IV008.
create or replace function internal.check_alert_rule(kind text, threshold bigint, margin bigint, severity text)
returns void
language plpgsql
immutable
set search_path = ''
as $$
begin
    perform internal.check_alert_kinds('kind', array[kind], internal.rule_kinds());
    perform internal.check_severity('severity', severity);
    if abs(threshold) > 1000000000000 then
        perform internal.raise_error('IV008', internal.problem('threshold', 'must lie within 10^12 in either direction'));
    elsif kind in ('lot_expiry', 'hold_expiry', 'count_variance') and threshold < 1 then
        perform internal.raise_error('IV008', internal.problem('threshold', 'must be more than 0 for ' || kind));
    elsif kind in ('lot_expiry', 'hold_expiry', 'count_variance') and margin is not null then
        perform internal.raise_error('IV008', internal.problem('margin', 'means nothing for ' || kind));
    elsif margin not between 0 and 1000000000000 then
        perform internal.raise_error('IV008', internal.problem('margin', 'must be 0 to 10^12'));
    end if;
end
$$;

comment on function internal.check_alert_rule(text, bigint, bigint, text) is 'Refuses a rule of alerts that cannot be.';
