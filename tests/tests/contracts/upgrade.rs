//! The functions of a release come over those of the one before, and who calls them does not notice.

use crate::in_database;
use anyhow::{Context, Result, bail};
use onhand_db::{ErrorCode, Outcome, PooledClient, Refusal, apply_commands, migrate};
use onhand_tests::database::Database;
use serde_json::json;

/// A public function as a release before this one had it: its rows have fewer columns.
const OLDER: &str = "
    set role onhand_owner;
    drop function api.apply_commands(jsonb, text, text);
    create function api.apply_commands(commands jsonb, caller text default null, source text default 'sql')
    returns table (ordinal integer, outcome text, code text, message text, detail jsonb, answer jsonb)
    language sql
    begin atomic
        select 0, 'refused', 'IV005', 'the older one', null::jsonb, null::jsonb;
    end;
    grant execute on function api.apply_commands(jsonb, text, text) to onhand_api;
    reset role;
    insert into inventory.function_release (hash) values ('older');";

const CALLERS: &str = "
    select array(
        select r.rolname::text
        from pg_roles as r
        where r.rolname in ('onhand_api', 'onhand_operator', 'onhand_reader')
            and has_function_privilege(r.oid, 'api.apply_commands(jsonb, text, text)', 'execute')
        order by 1)";

#[tokio::test]
async fn a_function_whose_rows_have_new_columns_takes_the_place_of_the_older_one() -> Result<()> {
    in_database("upgrade", replaced).await
}

async fn replaced(database: &Database) -> Result<()> {
    let client = database.client().await?;
    client.batch_execute(OLDER).await?;
    // One session: what it has prepared goes on.
    let pool = database.pool(1)?;
    let caller = pool.get().await?;
    let before = refused(&caller).await?;
    assert_eq!(
        (before.message.as_str(), before.hint),
        ("the older one", None),
        "it is in force"
    );

    let report = migrate::run(&database.settings(), &migrate::MigrateOptions::default()).await?;
    assert!(report.functions_loaded && report.applied.is_empty());
    let after = refused(&caller).await?;
    assert_eq!(after.code, ErrorCode::UnknownItem, "the newer one is");
    let hint = after.hint.context("a refusal without a hint")?;
    assert!(hint.ends_with('.'), "{hint}");
    let callers: Vec<String> = client.query_one(CALLERS, &[]).await?.get(0);
    assert_eq!(
        callers,
        ["onhand_api", "onhand_operator"],
        "who may call it is as it was"
    );

    let again = migrate::run(&database.settings(), &migrate::MigrateOptions::default()).await?;
    assert!(!again.functions_loaded, "the set is in force");
    Ok(())
}

async fn refused(client: &PooledClient) -> Result<Refusal> {
    let command = json!({"op": "add", "sku": "NONE", "location": "W1", "quantity": 1});
    match apply_commands(client, &[command], None, "tests").await?.pop() {
        Some(Outcome::Refused(refusal)) => Ok(refusal),
        other => bail!("{other:?} is no refusal"),
    }
}
