//! Brings a database to this release: migrations, functions, logins, partitions, replication slot.

use crate::functions::{FunctionSet, function_set};
use crate::{DatabaseConfig, DbError};
use secrecy::{ExposeSecret, SecretString};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, NoTls};

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// The replication slot that Debezium reads.
pub const SLOT: &str = "onhand_debezium";
/// The publication that names the captured tables.
pub const PUBLICATION: &str = "onhand_publication";
/// The login of the api and the consumers.
pub const APP_LOGIN: &str = "onhand_app";
/// The login of Debezium.
pub const CDC_LOGIN: &str = "onhand_cdc";

/// One key for all migrators of a database: the second waits until the first is done.
const MIGRATION_LOCK: i64 = 0x6f6e_6861_6e64;

/// Helpers are nobody's interface: they are dropped and made anew as a set, so that their signatures may change and none is left
/// behind. Those that a trigger or an inlined body depends on stay and are replaced in place.
const DROP_HELPERS: &str = "
do $$
declare
    v_function regprocedure;
begin
    for v_function in
        select p.oid::regprocedure from pg_catalog.pg_proc as p where p.pronamespace = 'internal'::regnamespace
    loop
        begin
            execute 'drop function ' || v_function::text;
        exception
            when dependent_objects_still_exist then null;
        end;
    end loop;
end
$$";

/// Public functions that the set did not make just now: the signature has changed, or the function is gone. Left behind, the old signature would
/// make calls ambiguous. Dropped where the new ones are made, so that no caller finds neither.
const DROP_REPLACED: &str = "
do $$
declare
    v_function regprocedure;
begin
    for v_function in
        select p.oid::regprocedure
        from pg_catalog.pg_proc as p
        where p.pronamespace = 'api'::regnamespace and p.proowner = 'onhand_owner'::regrole
            and p.xmin <> pg_current_xact_id()::xid
    loop
        execute 'drop function ' || v_function::text;
    end loop;
end
$$";

/// What `migrate` does beside migrations and functions.
#[derive(Debug, Clone, Default)]
pub struct MigrateOptions {
    /// Password of the login [`APP_LOGIN`]; the login is left alone without one.
    pub app_password: Option<SecretString>,
    /// Password of the login [`CDC_LOGIN`]; left alone without one.
    pub cdc_password: Option<SecretString>,
    /// Make the replication slot if it is missing.
    pub create_slot: bool,
}

/// State of the replication slot after a migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// It was not asked for.
    NotAsked,
    /// It was there.
    Present,
    /// It was made for a new database.
    Created,
    /// It was missing from a database that had been in use: changes since it was lost reach the read models only by a backfill.
    Recreated,
}

/// What a migration did.
#[derive(Debug)]
pub struct Report {
    /// Names of the migrations that were applied now.
    pub applied: Vec<String>,
    /// Whether the functions were loaded (they are not if this very set is in force).
    pub functions_loaded: bool,
    /// Digest of the functions in force.
    pub functions_hash: String,
    /// The replication slot.
    pub slot: Slot,
}

/// Why a migration failed.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// Settings or the binary itself are wrong.
    #[error("{0}")]
    Setup(String),
    /// The database cannot be reached or refused.
    #[error(transparent)]
    Database(#[from] DbError),
    /// A migration failed, or an applied one was changed since.
    #[error("a migration failed")]
    Migration(#[source] Box<refinery::Error>),
}

impl From<tokio_postgres::Error> for MigrateError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(error.into())
    }
}

/// Brings the database to this release. Can be run again at any time and by several programs at once.
///
/// # Errors
/// See [`MigrateError`]. A migration that fails leaves the ones before it applied and nothing of itself.
pub async fn run(config: &DatabaseConfig, options: &MigrateOptions) -> Result<Report, MigrateError> {
    let (mut client, connection) = config
        .parsed()
        .map_err(MigrateError::Setup)?
        .connect(NoTls)
        .await
        .map_err(|error| DbError::Unreachable(Box::new(error)))?;
    let driver = tokio::spawn(connection);
    let report = locked(&mut client, options).await;
    drop(client);
    // The connection task ends when its client is gone; its own error, if any, was reported by the call that met it.
    let _closed = driver.await;
    report
}

async fn locked(client: &mut Client, options: &MigrateOptions) -> Result<Report, MigrateError> {
    client
        .execute("select pg_advisory_lock($1)", &[&MIGRATION_LOCK])
        .await?;
    let mut runner = embedded::migrations::runner();
    runner.set_migration_table_name("onhand_migration");
    let migrated = runner
        .run_async(client)
        .await
        .map_err(|error| MigrateError::Migration(Box::new(error)))?;
    let applied: Vec<String> = migrated.applied_migrations().iter().map(ToString::to_string).collect();
    let (functions_loaded, functions_hash, first) = load_functions(client).await?;
    client.execute("select api.ensure_movement_partitions(3)", &[]).await?;
    if let Some(password) = &options.app_password {
        ensure_login(client, APP_LOGIN, password).await?;
        client
            .batch_execute("grant onhand_api, onhand_reader, onhand_alerts to onhand_app")
            .await?;
        // Settings of a group role do not reach its members' sessions: the login needs them itself.
        client
            .batch_execute(
                "alter role onhand_app set lock_timeout = '5s'; alter role onhand_app set statement_timeout = '30s'; \
                 alter role onhand_app set idle_in_transaction_session_timeout = '60s'",
            )
            .await?;
    }
    if let Some(password) = &options.cdc_password {
        ensure_login(client, CDC_LOGIN, password).await?;
    }
    let slot = if options.create_slot {
        ensure_slot(client, first).await?
    } else {
        Slot::NotAsked
    };
    client
        .execute("select pg_advisory_unlock($1)", &[&MIGRATION_LOCK])
        .await?;
    Ok(Report {
        applied,
        functions_loaded,
        functions_hash,
        slot,
    })
}

/// Loads the functions unless the same set is in force. Says also whether this is the first set ever.
async fn load_functions(client: &mut Client) -> Result<(bool, String, bool), MigrateError> {
    let set = function_set().map_err(MigrateError::Setup)?;
    let newest = client
        .query_opt(
            "select hash from inventory.function_release order by released_at desc limit 1",
            &[],
        )
        .await?
        .map(|row| row.get::<_, String>(0));
    if newest.as_deref() == Some(set.hash.as_str()) {
        return Ok((false, set.hash, false));
    }
    let mut retyped = Vec::new();
    while let Some(name) = load(client, &set, &retyped).await? {
        retyped.push(name);
    }
    Ok((true, set.hash, newest.is_none()))
}

/// Loads a set in one transaction, so that no caller finds a part of it. A public function whose rows have other columns than before cannot be
/// replaced: then nothing is loaded and its name is returned; with it in `retyped` it is dropped first.
async fn load(
    client: &mut Client,
    set: &FunctionSet,
    retyped: &[&'static str],
) -> Result<Option<&'static str>, MigrateError> {
    let transaction = client.transaction().await?;
    transaction.batch_execute("set local role onhand_owner").await?;
    transaction.batch_execute(DROP_HELPERS).await?;
    for name in retyped {
        transaction.batch_execute(&format!("drop function api.{name}")).await?;
    }
    for file in &set.files {
        // Without savepoints: what is made within one has another xmin than DROP_REPLACED looks for.
        let Err(error) = transaction.batch_execute(file.script).await else {
            continue;
        };
        let name = file.public_name().filter(|name| !retyped.contains(name));
        if name.is_some() && error.code() == Some(&SqlState::INVALID_FUNCTION_DEFINITION) {
            transaction.rollback().await?;
            return Ok(name);
        }
        return Err(error.into());
    }
    transaction.batch_execute(DROP_REPLACED).await?;
    transaction
        .execute(
            "insert into inventory.function_release (hash) values ($1) \
             on conflict (hash) do update set released_at = clock_timestamp()",
            &[&set.hash],
        )
        .await?;
    transaction.commit().await?;
    Ok(None)
}

/// Makes a login or sets its password. Role commands take no parameters, so Postgres itself quotes what goes into them.
async fn ensure_login(client: &Client, role: &str, password: &SecretString) -> Result<(), MigrateError> {
    let statement: String = client
        .query_one(
            "select case when exists (select from pg_roles where rolname = $1::text) \
                then format('alter role %I login password %L', $1::text, $2::text) \
                else format('create role %I login password %L', $1::text, $2::text) end",
            &[&role, &password.expose_secret()],
        )
        .await?
        .get(0);
    client.batch_execute(&statement).await?;
    Ok(())
}

async fn ensure_slot(client: &Client, first: bool) -> Result<Slot, MigrateError> {
    let found = client
        .query_opt(
            "select from pg_replication_slots where slot_name = $1 and database = current_database()",
            &[&SLOT],
        )
        .await?;
    if found.is_some() {
        return Ok(Slot::Present);
    }
    // The last argument makes it a failover slot: a synchronised standby keeps it.
    client
        .execute(
            "select pg_create_logical_replication_slot($1, 'pgoutput', false, false, true)",
            &[&SLOT],
        )
        .await?;
    Ok(if first { Slot::Created } else { Slot::Recreated })
}
