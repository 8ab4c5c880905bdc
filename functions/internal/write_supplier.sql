-- Writes a checked description of a supplier; null keeps what it has. A row that would stay as it is is not touched.
-- Answers the version that it had before (0 = it was made), null if it was not touched.
create or replace function internal.write_supplier(code text, name text, status text, contact jsonb, metadata jsonb)
returns bigint
language sql
volatile
set search_path = ''
as $$
    insert into inventory.supplier as s (code, name, status, contact, metadata, version)
    values (write_supplier.code, coalesce(write_supplier.name, write_supplier.code), coalesce(write_supplier.status, 'active'),
        write_supplier.contact, coalesce(write_supplier.metadata, '{}'), greatest(1, internal.version_floor()))
    on conflict (code) do update
    set name = coalesce(write_supplier.name, s.name), status = coalesce(write_supplier.status, s.status),
        contact = coalesce(write_supplier.contact, s.contact), metadata = coalesce(write_supplier.metadata, s.metadata),
        version = greatest(s.version + 1, internal.version_floor()), updated_at = clock_timestamp()
    where write_supplier.name <> s.name
        or write_supplier.status <> s.status
        or write_supplier.contact is not null and write_supplier.contact is distinct from s.contact
        or write_supplier.metadata <> s.metadata
    returning coalesce(old.version, 0)
$$;

comment on function internal.write_supplier(text, text, text, jsonb, jsonb) is 'Writes a checked description of a supplier.';
