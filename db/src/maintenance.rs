//! The upkeep of the ledger: partitions ahead, closing balances, retired months, old keys, lots past their date.

use std::time::Duration;

use crate::{DbError, PooledClient};

/// `api.ensure_movement_partitions`: ledger partitions of this month and the next ones. Returns how many months are ready.
///
/// # Errors
/// See [`DbError`].
pub async fn ensure_movement_partitions(client: &PooledClient, months_ahead: i32) -> Result<i32, DbError> {
    let row = client
        .query_one("select api.ensure_movement_partitions($1)", &[&months_ahead])
        .await?;
    Ok(row.try_get(0)?)
}

/// `api.purge_idempotency_keys`: forgets keys older than 24 hours (those of ingest: nine days), a bounded number in one call. Returns how many.
///
/// # Errors
/// See [`DbError`].
pub async fn purge_idempotency_keys(client: &PooledClient) -> Result<i64, DbError> {
    let row = client.query_one("select api.purge_idempotency_keys()", &[]).await?;
    Ok(row.try_get(0)?)
}

/// `api.close_finished_months`: closing balances of the months that have ended. Returns how many months it closed.
/// Takes time by what one month has, which is why it has a time-out of its own.
///
/// # Errors
/// See [`DbError`].
pub async fn close_finished_months(client: &mut PooledClient, timeout: Duration) -> Result<i64, DbError> {
    let transaction = patient(client, timeout).await?;
    let row = transaction
        .query_one("select count(*) from api.close_finished_months()", &[])
        .await?;
    transaction.commit().await?;
    Ok(row.try_get(0)?)
}

/// `api.retire_movement_partitions`: detaches closed months that ended longer ago than so many months. Returns how many.
/// Reads each of them once, which is why it has a time-out of its own.
///
/// # Errors
/// See [`DbError`]; the ledger may be too busy to be locked for the moment it takes.
pub async fn retire_movement_partitions(
    client: &mut PooledClient,
    keep_months: i32,
    timeout: Duration,
) -> Result<i64, DbError> {
    let transaction = patient(client, timeout).await?;
    let row = transaction
        .query_one(
            "select count(*) from api.retire_movement_partitions(make_interval(months => $1))",
            &[&keep_months],
        )
        .await?;
    transaction.commit().await?;
    Ok(row.try_get(0)?)
}

/// `api.expire_lots`: takes lots past their date from sale. Returns at how many places, `max_count` if there may be more.
///
/// # Errors
/// See [`DbError`].
pub async fn expire_lots(client: &PooledClient, max_count: i32) -> Result<i32, DbError> {
    let row = client.query_one("select api.expire_lots($1)", &[&max_count]).await?;
    Ok(row.try_get(0)?)
}

/// `api.record_dead_letters`: writes into the audit trail what is done about dead letters. Returns the id of the entry.
///
/// # Errors
/// See [`DbError`].
pub async fn record_dead_letters(
    client: &PooledClient,
    act: &str,
    topic: &str,
    letters: i64,
    detail: &serde_json::Value,
) -> Result<i64, DbError> {
    let row = client
        .query_one(
            "select api.record_dead_letters($1, $2, $3, $4)",
            &[&act, &topic, &letters, detail],
        )
        .await?;
    Ok(row.try_get(0)?)
}

/// A transaction whose statements may take longer than those of the login.
async fn patient(client: &mut PooledClient, timeout: Duration) -> Result<deadpool_postgres::Transaction<'_>, DbError> {
    let transaction = client.transaction().await?;
    transaction
        .execute(
            "select set_config('statement_timeout', $1, true)",
            &[&format!("{}ms", timeout.as_millis())],
        )
        .await?;
    Ok(transaction)
}
