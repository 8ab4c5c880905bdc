//! What is in the databases before anything is measured: a catalogue, levels with plenty of stock, and a history of them.

use anyhow::Result;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Serialize;

use super::super::progress;
use super::server::{Database, Server};

/// Stock levels: items times places.
pub(super) const LEVELS: u32 = 200_000;
/// Locations, each with every item.
pub(super) const PLACES: u32 = 10;
/// So much that no reservation of a single unit is ever refused.
const OPENING_STOCK: i64 = 1_000_000_000;
/// Movements in one statement.
const PART: i64 = 500_000;
/// Statements at a time.
const SESSIONS: usize = 2;

const SCHEMA: &str = include_str!("sql/schema.sql");
const LEVELS_QUERY: &str = include_str!("sql/levels.sql");
const MOVEMENTS_QUERY: &str = include_str!("sql/movements.sql");

/// The history of a database before anything is measured.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct History {
    /// Movements, spread evenly over the months.
    pub(super) movements: u32,
    /// Whole months before this one.
    pub(super) months: u8,
}

/// The sku and the location of a level, by its number.
pub(super) fn key(level: u32) -> (String, String) {
    (format!("SKU-{:06}", level / PLACES), format!("W{}", level % PLACES + 1))
}

/// The catalogue, and what the fillings below need.
pub(super) async fn catalogue(database: &Database) -> Result<()> {
    let client = database.session().await?;
    client.batch_execute(SCHEMA).await?;
    client
        .execute(
            "insert into inventory.location (id, name, priority) \
             select 'W' || n, 'Warehouse ' || n, n from generate_series(1, $1::integer) as n",
            &[&i32::try_from(PLACES)?],
        )
        .await?;
    client
        .execute(
            "insert into inventory.item (id, sku, name) \
             select bench.item_id(n), bench.sku(n), 'Item ' || n from generate_series(0, $1::bigint - 1) as n",
            &[&i64::from(LEVELS / PLACES)],
        )
        .await?;
    Ok(())
}

/// Levels, and their history.
pub(super) async fn history(server: &Server, database: &Database, history: History) -> Result<()> {
    let client = database.session().await?;
    client.batch_execute("set timezone to 'UTC'").await?;
    let (levels, places, movements) = (i64::from(LEVELS), i64::from(PLACES), i64::from(history.movements));
    let months = i32::from(history.months);
    // These rows name items and locations that are there: looking each one up would take longer than writing it.
    client.batch_execute("set session_replication_role to replica").await?;
    client
        .execute(LEVELS_QUERY, &[&levels, &places, &movements, &OPENING_STOCK])
        .await?;
    client.batch_execute("reset session_replication_role").await?;
    // Partitions have to belong to the owner of the ledger.
    client.batch_execute("set role onhand_owner").await?;
    client
        .execute(
            "select internal.ensure_movement_partition(date_trunc('month', now()) - make_interval(months => m)) \
             from generate_series(1, $1::integer) as m",
            &[&months],
        )
        .await?;
    client.batch_execute("reset role").await?;
    let mut parts = stream::iter((0..movements).step_by(usize::try_from(PART)?))
        .map(|from| {
            let to = movements.min(from.saturating_add(PART));
            async move {
                server.spare_slots().await?;
                let client = database.session().await?;
                client.batch_execute("set timezone to 'UTC'").await?;
                let opening = OPENING_STOCK;
                client
                    .execute(
                        MOVEMENTS_QUERY,
                        &[&levels, &places, &movements, &from, &to, &months, &opening],
                    )
                    .await?;
                Ok::<_, anyhow::Error>(to)
            }
        })
        .buffered(SESSIONS);
    while let Some(to) = parts.try_next().await? {
        if movements > PART {
            progress(format_args!("{to} of {movements} movements loaded"));
        }
    }
    // Otherwise autovacuum would do it while something is measured.
    client
        .batch_execute("vacuum (analyze) inventory.item, inventory.stock_level, inventory.stock_movement")
        .await?;
    Ok(())
}

/// The peer's rows for the same levels.
pub(super) async fn peer(database: &Database) -> Result<()> {
    let client = database.session().await?;
    client
        .execute(
            "insert into peer.stock (id, sku, location, on_hand) \
             select n, bench.sku(n / $2::bigint), 'W' || (n % $2::bigint + 1), $3::bigint \
             from generate_series(0, $1::bigint - 1) as n",
            &[&i64::from(LEVELS), &i64::from(PLACES), &OPENING_STOCK],
        )
        .await?;
    client
        .batch_execute("vacuum (analyze) peer.stock, peer.movement, peer.reservation")
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_of_the_tables() {
        assert_eq!(key(0), ("SKU-000000".into(), "W1".into()));
        assert_eq!(key(LEVELS - 1), ("SKU-019999".into(), "W10".into()));
    }

    /// Otherwise some levels would be touched twice in a round of the history, and others never.
    #[test]
    fn the_jump_divides_no_number_of_levels() {
        assert!(SCHEMA.contains("104729"));
        assert_ne!(LEVELS % 104_729, 0);
        assert_eq!(LEVELS % PLACES, 0);
    }
}
