//! How far the replication slot is behind, as metrics: the first stage of a change's way that has a backlog of its own.

use onhand_db::{DbError, Pool};

use crate::metrics;

const SLOTS: &str = "select s.slot_name::text, s.active, \
    coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), s.confirmed_flush_lsn), 0)::bigint \
    from pg_catalog.pg_replication_slots as s \
    where s.slot_type = 'logical' and s.database = current_database()";

/// Asks Postgres once.
pub(crate) async fn measure(pool: &Pool) -> Result<(), DbError> {
    let client = pool.get().await?;
    for row in client.query(SLOTS, &[]).await? {
        metrics::slot(row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    }
    Ok(())
}
