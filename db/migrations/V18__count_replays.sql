-- An answer of api.count_line says whether it is that of an earlier request. Catalogue only: no table is touched.
set local role onhand_owner;

alter type api.count_line_state add attribute replayed boolean;

reset role;
