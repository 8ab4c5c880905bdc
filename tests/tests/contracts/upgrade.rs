//! The functions of a release come over those of the one before, and who calls them does not notice.

use crate::ONE_SERVER;
use anyhow::Result;
use onhand_db::migrate;
use onhand_tests::database::{Database, Server};
use serde_json::{Value, json};
use tokio_postgres::Client;

/// A public function as a release before this one had it: its rows have fewer columns.
const OLDER: &str = "
    set role onhand_owner;
    drop function api.apply_commands(jsonb, text, text);
    create function api.apply_commands(commands jsonb, caller text default null, source text default 'sql')
    returns table (ordinal integer, outcome text, code text, message text, detail jsonb, answer jsonb)
    language sql
    begin atomic
        select 0, 'refused', 'IV000', 'the older one', null::jsonb, null::jsonb;
    end;
    reset role;
    insert into inventory.function_release (hash) values ('older');";

/// What a program of the release before has prepared, and goes on sending.
const CALL: &str = "select outcome, code, message, detail, answer from api.apply_commands($1)";

#[tokio::test]
async fn a_function_whose_rows_have_new_columns_takes_the_place_of_the_older_one() -> Result<()> {
    let _turn = ONE_SERVER.lock().await;
    let server = Server::start().await?;
    let outcome = async {
        let database = server.database("upgrade").await?;
        let outcome = replaced(&database).await;
        server.remove(database).await?;
        outcome
    }
    .await;
    server.stop().await?;
    outcome
}

async fn replaced(database: &Database) -> Result<()> {
    let client = database.client().await?;
    client.batch_execute(OLDER).await?;
    let call = client.prepare(CALL).await?;
    let commands = json!([{"op": "add", "sku": "NONE", "location": "W1", "quantity": 1}]);
    assert_eq!(
        code(&client, &call, &commands).await?,
        "IV000",
        "the older one is in force"
    );

    let report = migrate::run(&database.settings(), &migrate::MigrateOptions::default()).await?;
    assert!(report.functions_loaded && report.applied.is_empty());
    assert_eq!(
        code(&client, &call, &commands).await?,
        "IV003",
        "the same statement goes on"
    );
    let hint: String = client
        .query_one("select hint from api.apply_commands($1)", &[&commands])
        .await?
        .get(0);
    assert!(hint.ends_with('.'), "{hint}");
    let callers: Vec<String> = client
        .query_one(
            "select array(select r.rolname::text from pg_roles as r \
             where r.rolname in ('onhand_api', 'onhand_operator', 'onhand_reader') \
                 and has_function_privilege(r.oid, 'api.apply_commands(jsonb, text, text)', 'execute') order by 1)",
            &[],
        )
        .await?
        .get(0);
    assert_eq!(
        callers,
        ["onhand_api", "onhand_operator"],
        "who may call it is as it was"
    );

    let again = migrate::run(&database.settings(), &migrate::MigrateOptions::default()).await?;
    assert!(!again.functions_loaded, "the set is in force");
    Ok(())
}

async fn code(client: &Client, call: &tokio_postgres::Statement, commands: &Value) -> Result<String> {
    Ok(client.query_one(call, &[commands]).await?.get(1))
}
