//! Change capture as the database sees it: the replication slot, snapshots on order, and epochs.

use crate::{DbError, PooledClient};

/// What Postgres says of the replication slot of the connector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SlotState {
    /// There is none.
    Missing,
    /// Postgres has given it up: what it was to hold is gone.
    Lost {
        /// In the words of Postgres.
        reason: String,
    },
    /// It holds the log for the connector.
    Present {
        /// Whether somebody reads it now.
        active: bool,
        /// Bytes of the log since the place that the connector has confirmed.
        lag_bytes: u64,
        /// End of the log.
        end: u64,
    },
}

/// The state of the slot.
///
/// # Errors
/// See [`DbError`].
pub async fn slot_state(client: &PooledClient) -> Result<SlotState, DbError> {
    let row = client
        .query_opt(
            "select s.active, coalesce(s.wal_status = 'lost', false) or s.invalidation_reason is not null, \
                 coalesce(s.invalidation_reason, s.wal_status, ''), \
                 greatest(coalesce(pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), s.confirmed_flush_lsn), 0), 0)::bigint, \
                 pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), '0/0')::bigint \
             from pg_catalog.pg_replication_slots as s where s.slot_name = $1",
            &[&crate::migrate::SLOT],
        )
        .await?;
    let Some(row) = row else {
        return Ok(SlotState::Missing);
    };
    if row.try_get(1)? {
        return Ok(SlotState::Lost {
            reason: row.try_get(2)?,
        });
    }
    let bytes = |column| Ok::<u64, DbError>(u64::try_from(row.try_get::<_, i64>(column)?).unwrap_or(0));
    Ok(SlotState::Present {
        active: row.try_get(0)?,
        lag_bytes: bytes(3)?,
        end: bytes(4)?,
    })
}

/// `api.ensure_replication_slot`: makes the slot if it is missing, was given up, or is wanted anew. Answers `present`, `created`
/// or `recreated`.
///
/// # Errors
/// See [`DbError`]; with `anew` also if somebody reads it.
pub async fn ensure_replication_slot(client: &PooledClient, anew: bool) -> Result<String, DbError> {
    let row = client
        .query_one("select api.ensure_replication_slot(anew => $1)", &[&anew])
        .await?;
    Ok(row.try_get(0)?)
}

/// `api.request_snapshot`: orders an incremental snapshot of a captured table. Answers the id of the order.
///
/// # Errors
/// See [`DbError`]; a table that is not captured is refused.
pub async fn request_snapshot(client: &PooledClient, table: &str, condition: Option<&str>) -> Result<String, DbError> {
    let row = client
        .query_one("select api.request_snapshot($1, $2)", &[&table, &condition])
        .await?;
    Ok(row.try_get(0)?)
}

/// `api.raise_epoch`: from now on every row version is higher than any before. Answers the new epoch.
///
/// # Errors
/// See [`DbError`]; the login must be a member of `onhand_admin`.
pub async fn raise_epoch(client: &PooledClient, reason: &str) -> Result<i32, DbError> {
    Ok(client
        .query_one("select api.raise_epoch($1)", &[&reason])
        .await?
        .try_get(0)?)
}

/// `api.renew_versions`: lifts rows of earlier epochs to the one in force, a bounded number in one call. Answers how many; 0 once
/// there are none left.
///
/// # Errors
/// See [`DbError`]; the login must be a member of `onhand_admin`.
pub async fn renew_versions(client: &PooledClient) -> Result<i64, DbError> {
    Ok(client.query_one("select api.renew_versions()", &[]).await?.try_get(0)?)
}
