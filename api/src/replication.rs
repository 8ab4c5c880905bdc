//! How far the replication slot is behind, and how far it was read, as metrics: the first stage of a change's way that has a backlog
//! of its own.

use onhand_db::migrate::SLOT;
use onhand_db::{DbError, Pool};

use crate::metrics;

/// A connector that was paused keeps its session, so that its slot counts as active: what stands still then is what it confirms, which
/// moves with each of its heartbeats otherwise.
const SLOTS: &str = "select s.slot_name::text, s.active, \
    coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), s.confirmed_flush_lsn), 0)::bigint, \
    coalesce(pg_wal_lsn_diff(s.confirmed_flush_lsn, '0/0'), 0)::bigint \
    from pg_catalog.pg_replication_slots as s \
    where s.slot_type = 'logical' and s.database = current_database()";

/// A slot as Postgres has it.
struct Slot {
    name: String,
    active: bool,
    lag: i64,
    confirmed: i64,
}

/// Asks Postgres once.
pub(crate) async fn measure(pool: &Pool) -> Result<(), DbError> {
    let client = pool.get().await?;
    let mut slots = Vec::new();
    for row in client.query(SLOTS, &[]).await? {
        slots.push(Slot {
            name: row.try_get(0)?,
            active: row.try_get(1)?,
            lag: row.try_get(2)?,
            confirmed: row.try_get(3)?,
        });
    }
    tell(&slots);
    Ok(())
}

/// Our own slot has a series also while it is not there: nobody reads it.
fn tell(slots: &[Slot]) {
    if slots.iter().all(|slot| slot.name != SLOT) {
        metrics::slot_active(SLOT, false);
    }
    for slot in slots {
        metrics::slot_active(&slot.name, slot.active);
        metrics::slot_position(&slot.name, slot.lag, slot.confirmed);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_slot_that_is_not_there_is_one_that_nobody_reads() {
        let handle = metrics::install().unwrap();
        let has = |line: &str| handle.render().lines().any(|found| found == line);
        tell(&[Slot {
            name: SLOT.to_owned(),
            active: true,
            lag: 7,
            confirmed: 4_096,
        }]);
        assert!(has("onhand_replication_slot_active{slot=\"onhand_debezium\"} 1"));
        assert!(has(
            "onhand_replication_slot_confirmed_bytes{slot=\"onhand_debezium\"} 4096"
        ));
        tell(&[]);
        assert!(has("onhand_replication_slot_active{slot=\"onhand_debezium\"} 0"));
    }
}
