-- Alerts: rules, what the alerts are judged by, their state and their edges, webhooks, and what was delivered to whom.
do $$
begin
    if not exists (select from pg_catalog.pg_roles r where r.rolname = 'onhand_alerts') then
        create role onhand_alerts nologin;
    end if;
    -- The login of a database that was in use before; `onhand migrate` grants it to a new one.
    if exists (select from pg_catalog.pg_roles r where r.rolname = 'onhand_app') then
        grant onhand_alerts to onhand_app;
    end if;
end
$$;
alter role onhand_alerts set lock_timeout = '5s';
alter role onhand_alerts set statement_timeout = '30s';
alter role onhand_alerts set idle_in_transaction_session_timeout = '60s';

set local role onhand_owner;

grant usage on schema api to onhand_alerts;

create table inventory.alert_rule (
    id uuid primary key default uuidv7(),
    kind text not null,
    item_id uuid references inventory.item (id),
    location_id text collate "C" references inventory.location (id),
    enabled boolean not null default true,
    threshold bigint,
    margin bigint,
    severity text,
    updated_by text not null default session_user,
    updated_at timestamptz not null default clock_timestamp(),
    constraint alert_rule_key_unique unique nulls not distinct (kind, item_id, location_id),
    constraint alert_rule_kind_known check (kind in ('reorder_point', 'safety_stock', 'out_of_stock', 'lot_expiry', 'hold_expiry',
        'count_variance')),
    constraint alert_rule_severity_known check (severity in ('info', 'warning', 'critical')),
    constraint alert_rule_threshold_range check (abs(threshold) <= 1000000000000),
    constraint alert_rule_margin_range check (margin between 0 and 1000000000000),
    -- Only what goes up and down by units has two lines to cross.
    constraint alert_rule_margin_of_levels check (margin is null or kind in ('reorder_point', 'safety_stock', 'out_of_stock'))
);
comment on table inventory.alert_rule is 'What differs from the defaults of an alert: for an item at a location, an item, a location, or everywhere. The most specific rule is in force, and it alone.';
comment on column inventory.alert_rule.threshold is 'Opens at or below it: units that are available (null = the setting of the stock level; 0 for out_of_stock). lot_expiry, hold_expiry: seconds before the end. count_variance: smallest difference that counts.';
comment on column inventory.alert_rule.margin is 'Resolves only above threshold + margin; null = the default of the consumer.';
create index alert_rule_item_id on inventory.alert_rule (item_id) where item_id is not null;
create index alert_rule_location_id on inventory.alert_rule (location_id) where location_id is not null;

create table inventory.alert_rule_change (
    id bigint generated always as identity primary key,
    item_id uuid,
    location_id text collate "C",
    changed_at timestamptz not null default clock_timestamp()
);
comment on table inventory.alert_rule_change is 'Changed rules whose levels are still to be judged anew: of an item, a location, both, or all.';

create table inventory.alert_level (
    item_id uuid not null,
    location_id text collate "C" not null,
    version bigint not null default 0,
    available bigint not null default 0,
    safety_stock bigint not null default 0,
    reorder_point bigint not null default 0,
    unlimited boolean not null default false,
    stocked boolean not null default false,
    open_kinds text[] not null default '{}',
    -- No foreign keys: neither items nor locations are deleted, and the row is written for each change of the stock.
    constraint alert_level_pkey primary key (item_id, location_id),
    constraint alert_level_version_range check (version between 0 and 9007199254740991),
    constraint alert_level_kinds_known check (open_kinds <@ '{reorder_point,safety_stock,out_of_stock}'::text[])
)
with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);
comment on table inventory.alert_level is 'The newest version of each stock_level that its alerts were judged by, so that an older event or the same one again changes nothing.';
comment on column inventory.alert_level.stocked is 'Whether there was ever anything on hand: what never had stock does not run out.';
comment on column inventory.alert_level.open_kinds is 'Which of its alerts are open.';
create index alert_level_location_id on inventory.alert_level (location_id, item_id);

create table inventory.alert (
    fingerprint text collate "C" primary key,
    kind text not null,
    item_id uuid,
    location_id text collate "C",
    reference text,
    severity text not null,
    status text not null,
    opened_at timestamptz not null,
    resolved_at timestamptz,
    version bigint,
    value bigint,
    threshold bigint,
    detail jsonb not null default '{}',
    updated_at timestamptz not null default clock_timestamp(),
    constraint alert_fingerprint_length check (length(fingerprint) between 1 and 255),
    constraint alert_kind_known check (kind in ('reorder_point', 'safety_stock', 'out_of_stock', 'lot_expiry', 'hold_expiry',
        'count_variance', 'pipeline_lag')),
    constraint alert_severity_known check (severity in ('info', 'warning', 'critical')),
    constraint alert_status_known check (status in ('open', 'resolved')),
    constraint alert_resolved_at_derived check ((status = 'resolved') = (resolved_at is not null))
) with (fillfactor = 85);
comment on table inventory.alert is 'State of each alert that ever was open; its edges are in inventory.alert_event.';
comment on column inventory.alert.fingerprint is 'What makes it this alert and no other: kind, item, location, reference.';
comment on column inventory.alert.reference is 'What it is about beside item and location: lot, reservation, count, part of the pipeline.';
comment on column inventory.alert.version is 'Row version of the stock_level that decided its last edge.';
create index alert_open on inventory.alert (kind, fingerprint) where status = 'open';
create index alert_item on inventory.alert (item_id, location_id) where item_id is not null;

create table inventory.alert_event (
    id bigint generated always as identity primary key,
    fingerprint text collate "C" not null,
    event text not null,
    kind text,
    severity text not null,
    payload jsonb not null,
    recorded_at timestamptz not null default clock_timestamp(),
    constraint alert_event_known check (event in ('opened', 'resolved', 'established')),
    constraint alert_event_severity_known check (severity in ('info', 'warning', 'critical'))
);
comment on table inventory.alert_event is 'Edges of alerts, in the order in which they were decided: what receivers are told. established = all that was open when alerting began, as one group.';
create index alert_event_fingerprint on inventory.alert_event (fingerprint, id);
create index alert_event_recorded_at on inventory.alert_event using brin (recorded_at);

create table inventory.webhook (
    name text primary key,
    url text not null,
    secret text not null,
    kinds text[],
    min_severity text not null default 'info',
    enabled boolean not null default true,
    disabled_reason text,
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp(),
    constraint webhook_name_form check (name ~ '^[a-z0-9][a-z0-9_-]{0,39}$'),
    -- No user and password: addresses stand in logs.
    constraint webhook_url_form check (url ~ '^https?://[^\s/@]+(/\S*)?$' and length(url) <= 2000),
    constraint webhook_secret_form check (secret ~ '^whsec_[A-Za-z0-9+/]{32,88}={0,2}$'),
    constraint webhook_kinds_known check (kinds <@ '{reorder_point,safety_stock,out_of_stock,lot_expiry,hold_expiry,count_variance,pipeline_lag}'::text[]),
    constraint webhook_severity_known check (min_severity in ('info', 'warning', 'critical')),
    constraint webhook_disabled_for_a_reason check (disabled_reason is null or not enabled)
);
comment on table inventory.webhook is 'Receivers of signed webhooks (Standard Webhooks). Readers have no right on it: it holds secrets.';
comment on column inventory.webhook.kinds is 'Which alerts it gets; null = all.';

create table inventory.alert_delivery (
    id uuid primary key default uuidv7(),
    event_id bigint not null references inventory.alert_event (id) on delete cascade,
    receiver text not null,
    fingerprint text collate "C" not null,
    status text not null default 'pending',
    attempts integer not null default 0,
    next_attempt_at timestamptz not null default clock_timestamp(),
    response_status integer,
    error text,
    created_at timestamptz not null default clock_timestamp(),
    attempted_at timestamptz,
    settled_at timestamptz,
    constraint alert_delivery_once unique (event_id, receiver),
    constraint alert_delivery_status_known check (status in ('pending', 'delivered', 'failed')),
    constraint alert_delivery_settled_at_derived check ((status = 'pending') = (settled_at is null)),
    constraint alert_delivery_attempts_not_negative check (attempts >= 0),
    constraint alert_delivery_error_length check (length(error) <= 500)
) with (fillfactor = 70);
comment on table inventory.alert_delivery is 'What is to be delivered to whom, and what was. Written in the transaction of the edge, so nothing is lost however the consumer ends.';
comment on column inventory.alert_delivery.receiver is 'webhook:<name>, or a receiver of the settings: slack, pagerduty, alertmanager:<host and port>.';
comment on column inventory.alert_delivery.next_attempt_at is 'Not before. Who takes it for an attempt moves it on, so that it comes back if nothing more is heard of him.';
create index alert_delivery_due on inventory.alert_delivery (receiver, next_attempt_at) where status = 'pending';
create index alert_delivery_order on inventory.alert_delivery (receiver, fingerprint, event_id) where status = 'pending';
create index alert_delivery_receiver on inventory.alert_delivery (receiver, id);

create table inventory.alert_establishment (
    id integer primary key default 1,
    established_at timestamptz not null default clock_timestamp(),
    open_alerts bigint not null,
    constraint alert_establishment_one_row check (id = 1)
);
comment on table inventory.alert_establishment is 'That all stock levels were judged once; until then what is open is no edge. No row or one.';

create type api.alert_rule_state as (
    kind text, sku text, location text, enabled boolean, threshold bigint, margin bigint, severity text, updated_by text,
    updated_at timestamptz
);
comment on type api.alert_rule_state is 'A rule of alerts.';

create type api.alert_state as (
    fingerprint text, kind text, status text, severity text, sku text, item_id uuid, location text, reference text, value bigint,
    threshold bigint, opened_at timestamptz, resolved_at timestamptz, version bigint, detail jsonb
);
comment on type api.alert_state is 'An alert as it is.';

create type api.alert_edge as (
    id bigint, at timestamptz, event text, fingerprint text, kind text, severity text, payload jsonb
);
comment on type api.alert_edge is 'An edge of an alert, as receivers are told of it.';

create type api.webhook_state as (
    name text, url text, kinds text[], min_severity text, enabled boolean, disabled_reason text, pending bigint,
    created_at timestamptz, updated_at timestamptz, secret text
);
comment on type api.webhook_state is 'A receiver of webhooks; its secret only in the answer to the call that made it.';

create type api.webhook_delivery as (
    delivery_id uuid, webhook text, event text, fingerprint text, status text, attempts integer, response_status integer, error text,
    created_at timestamptz, attempted_at timestamptz, next_attempt_at timestamptz, settled_at timestamptz, payload jsonb
);
comment on type api.webhook_delivery is 'A message to a webhook and what became of it.';

create type api.locked_alert_level as (
    item_id uuid, location text, sku text, archived boolean, version bigint, available bigint, safety_stock bigint,
    reorder_point bigint, unlimited boolean, stocked boolean, open_kinds text[]
);
comment on type api.locked_alert_level is 'What the alerts of a stock level were judged by last.';

create type api.level_rule as (
    kind text, item_id uuid, location text, enabled boolean, threshold bigint, margin bigint, severity text
);
comment on type api.level_rule is 'A rule of alerts as it is applied.';

create type api.alert_condition as (
    fingerprint text, kind text, item_id uuid, location text, reference text, severity text, value bigint, threshold bigint,
    detail jsonb
);
comment on type api.alert_condition is 'Something that is so now, and is an alert as long as it is.';

create type api.claimed_delivery as (
    delivery_id uuid, attempt integer, event text, fingerprint text, payload jsonb, url text, secret text
);
comment on type api.claimed_delivery is 'A message to be sent now; where and signed with what, if it goes to a webhook.';

grant select on inventory.alert_rule, inventory.alert_rule_change, inventory.alert_level, inventory.alert, inventory.alert_event,
    inventory.alert_delivery, inventory.alert_establishment to onhand_reader;

reset role;
