-- Refuses a webhook that cannot be. A secret is not repeated in the refusal. Errors: IV008.
create or replace function internal.check_webhook(name text, url text, kinds text[], min_severity text, secret text)
returns void
language plpgsql
immutable
set search_path = ''
as $$
begin
    if coalesce(name !~ '^[a-z0-9][a-z0-9_-]{0,39}$', true) then
        perform internal.raise_error('IV008',
            internal.problem('name', 'must be 1 to 40 small letters, digits, dashes or underscores'));
    elsif url !~ '^https?://[^\s/@]+(/\S*)?$' or length(url) > 2000 then
        perform internal.raise_error('IV008',
            internal.problem('url', 'must be an http or https address without user and password'));
    elsif secret !~ '^whsec_[A-Za-z0-9+/]{32,88}={0,2}$' then
        perform internal.raise_error('IV008',
            internal.problem('secret', 'must be whsec_ and 24 to 64 bytes in base64'));
    end if;
    perform internal.check_alert_kinds('kinds', kinds, internal.rule_kinds() || 'pipeline_lag'::text);
    perform internal.check_severity('min_severity', min_severity);
end
$$;

comment on function internal.check_webhook(text, text, text[], text, text) is 'Refuses a webhook that cannot be.';
