-- How many movements a table has, and a digest by which a copy of it can be proved: SHA-256 over the SHA-256 of each bucket (the
-- movements of a key in order, a thousand versions at a time) in key order. The text of a row does not depend on the session's settings.
create or replace function internal.movements_digest(relation regclass, out movements bigint, out digest text,
    out first_recorded_at timestamptz, out last_recorded_at timestamptz)
language plpgsql
stable
set search_path = ''
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
set extra_float_digits = 1
as $$
begin
    execute format($query$
        select coalesce(sum(b.movements), 0)::bigint,
            encode(sha256(coalesce(string_agg(b.digest, '' order by b.item_id, b.location_id, b.bucket), '')), 'hex'),
            min(b.first_recorded_at), max(b.last_recorded_at)
        from (
            select m.item_id, m.location_id, m.version / 1000 as bucket, count(*) as movements,
                sha256(convert_to(string_agg(m::text, E'\n' order by m.version, m.recorded_at), 'UTF8')) as digest,
                min(m.recorded_at) as first_recorded_at, max(m.recorded_at) as last_recorded_at
            from %s as m
            group by m.item_id, m.location_id, m.version / 1000
        ) as b
        $query$, relation)
    into movements, digest, first_recorded_at, last_recorded_at;
end
$$;

comment on function internal.movements_digest(regclass) is 'How many movements a table has, and a digest by which a copy of it can be proved.';
