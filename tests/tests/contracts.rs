//! Lists that stand in more than one place and must be the same, and functions that callers of the release before go on calling.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test says by panicking what is not as it must be"
)]

mod contracts {
    mod asyncapi;
    mod raised_codes;
    mod upgrade;
}

use anyhow::Result;
use onhand_db::ErrorCode;
use onhand_tests::database::{Database, Server};
use tokio::sync::Mutex;

/// SQLSTATE, slug and HTTP status of each row of the table in functions/README.md.
fn readme() -> Vec<(String, String, u16)> {
    let text = include_str!("../../functions/README.md");
    text.lines()
        .filter(|line| line.starts_with("| IV"))
        .map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            (cells[1].to_owned(), cells[2].to_owned(), cells[3].parse().unwrap())
        })
        .collect()
}

#[test]
fn readme_and_error_codes_are_the_same() {
    let codes: Vec<(String, String, u16)> = ErrorCode::ALL
        .iter()
        .map(|code| (code.sqlstate().to_owned(), code.slug().to_owned(), code.http_status()))
        .collect();
    assert_eq!(readme(), codes);
}

/// The template database has the name of this process: one server at a time.
static ONE_SERVER: Mutex<()> = Mutex::const_new(());

/// What a test finds in a database of its own.
async fn in_database<T>(name: &str, test: impl AsyncFnOnce(&Database) -> Result<T>) -> Result<T> {
    let _turn = ONE_SERVER.lock().await;
    let server = Server::start().await?;
    let outcome = async {
        let database = server.database(name).await?;
        let outcome = test(&database).await;
        server.remove(database).await?;
        outcome
    }
    .await;
    server.stop().await?;
    outcome
}

#[tokio::test]
async fn readme_and_sql_are_the_same() -> Result<()> {
    let known = in_database("contracts", async |database| {
        let rows = database
            .client()
            .await?
            .query(
                "select c.code, t.slug from (select 'IV' || lpad(n::text, 3, '0') from generate_series(0, 999) as n) as c (code) \
                 cross join lateral internal.error_text(c.code) as t where t.slug is not null order by c.code",
                &[],
            )
            .await?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect::<Vec<(String, String)>>())
    })
    .await?;
    let listed: Vec<(String, String)> = readme().into_iter().map(|(code, slug, _)| (code, slug)).collect();
    assert_eq!(known, listed);
    Ok(())
}
