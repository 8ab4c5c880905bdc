//! Duties that one instance at a time carries out: whoever holds the advisory lock of a duty.

use onhand_db::{DbError, Pool, PooledClient};

/// Does the work if no other session is at it, and says what came of it; `None` if another one is.
///
/// The lock belongs to the session, and is given back before the session goes back to the pool.
pub(crate) async fn lead<T>(
    pool: &Pool,
    lock: i64,
    work: impl AsyncFnOnce(&mut PooledClient) -> Result<T, DbError>,
) -> Result<Option<T>, DbError> {
    let mut client = pool.get().await?;
    let row = client.query_one("select pg_try_advisory_lock($1)", &[&lock]).await?;
    let mine: bool = row.try_get(0)?;
    if !mine {
        return Ok(None);
    }
    let result = work(&mut client).await;
    if let Err(error) = client.query_one("select pg_advisory_unlock($1)", &[&lock]).await {
        // A session that may still hold the lock must not be used again.
        drop(PooledClient::take(client));
        return Err(error.into());
    }
    result.map(Some)
}
