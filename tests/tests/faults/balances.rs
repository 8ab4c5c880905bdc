//! Balances that are not what was posted.

use crate::play::{Played, Shop, both, open};
use anyhow::{Result, ensure};
use onhand_tests::database::Database;
use onhand_tests::suite::{Body, test};
use std::sync::Arc;

pub(super) fn all() -> Vec<(String, Body)> {
    vec![
        test("f04_skip_locked_makes_a_second_balance", skip_locked),
        test("f05_for_update_that_matches_no_row", no_row),
        test("f06_running_balance_from_an_unlocked_read", running_balance),
        test("f07_reserved_drifts_from_open_reservations", reserved_drifts),
    ]
}

/// Both sessions of Onhand did their work, one after the other.
fn both_applied(ours: &Played) -> Result<()> {
    ensure!(ours.waited && ours.outcomes == ["applied", "applied"], "{ours:?}");
    Ok(())
}

/// odoo/odoo 268942: who finds a balance locked makes another one. What that was to avoid: opposite moves that wait for each other.
async fn skip_locked(database: Arc<Database>) -> Result<()> {
    open(&database).await?;
    let ours = both(
        &database,
        &Shop {
            prepare: include_str!("f04.sql"),
            before: "begin; select faulty.change('W1', 5)",
            other: "select faulty.change('W1', -4)",
            after: "commit",
            found: "select count(*), min(b.quantity) from faulty.balance as b where b.location = 'W1'",
        },
        "2 balances, the lowest -4",
        &Shop {
            prepare: "select from api.add_stock('A', 'W1', 10); select from api.add_stock('A', 'W2', 10)",
            before: "begin; select from api.add_stock('A', 'W1', 5)",
            other: "select from api.remove_stock('A', 'W1', 4)",
            after: "commit",
            found: "select count(*), min(s.on_hand) from ours.stock as s where s.sku = 'A' and s.location = 'W1'",
        },
        |played| {
            let (count, lowest) = (played.found[0], played.found[1]);
            ensure!(count == 1 && lowest >= 0, "{count} balances, the lowest {lowest}");
            Ok(())
        },
    )
    .await?;
    both_applied(&ours)?;
    ensure!(ours.found == [1, 11], "{ours:?}");
    opposite_moves(&database).await
}

async fn opposite_moves(database: &Database) -> Result<()> {
    let ours = both(
        database,
        &Shop {
            before: "begin; select faulty.take('W2', 3)",
            other: "begin; select faulty.take('W3', 2); select faulty.put('W2', 2); commit",
            after: "select faulty.put('W3', 3); commit",
            found: "select sum(b.quantity)::bigint from faulty.balance as b where b.location in ('W2', 'W3')",
            ..Shop::default()
        },
        "a deadlock",
        &Shop {
            before: "begin; select from api.move_stock('A', 'W1', 'W2', 3)",
            other: "select from api.move_stock('A', 'W2', 'W1', 2)",
            after: "commit",
            found: "select s.on_hand from ours.stock as s where s.sku = 'A' and s.location = 'W1'",
            ..Shop::default()
        },
        |played| {
            ensure!(!played.outcomes.contains(&"40P01".to_owned()), "a deadlock");
            Ok(())
        },
    )
    .await?;
    both_applied(&ours)?;
    ensure!(ours.found == [10], "{ours:?}");
    Ok(())
}

/// frappe/erpnext 58434: two receipts of something that has no row yet; the lock of neither holds the other one off.
async fn no_row(database: Arc<Database>) -> Result<()> {
    open(&database).await?;
    let ours = both(
        &database,
        &Shop {
            prepare: include_str!("f05.sql"),
            before: "begin; select faulty.lock_entries()",
            other: "begin; select faulty.lock_entries(); select faulty.receive(4); commit",
            after: "select faulty.receive(3); commit",
            found: "select count(*), sum(b.quantity)::bigint, (select sum(e.quantity)::bigint from faulty.entry as e) from faulty.bin as b",
        },
        "7 received, 3 in 1 row",
        &Shop {
            before: "begin; select from api.add_stock('A', 'W1', 3)",
            other: "select from api.add_stock('A', 'W1', 4)",
            after: "commit",
            found: "select count(*), sum(s.on_hand)::bigint, (select sum(l.on_hand_delta)::bigint from ours.ledger as l) from ours.stock as s",
            ..Shop::default()
        },
        |played| {
            let [rows, balance, received] = played.found[..] else {
                anyhow::bail!("{played:?}");
            };
            ensure!(
                rows == 1 && balance == received,
                "{received} received, {balance} in {rows} row"
            );
            Ok(())
        },
    )
    .await?;
    both_applied(&ours)?;
    ensure!(ours.found == [1, 7, 7], "{ours:?}");
    Ok(())
}

/// frappe/erpnext 51562: a ledger row keeps the balance after it, which does not know of a posting that overlaps.
async fn running_balance(database: Arc<Database>) -> Result<()> {
    let client = open(&database).await?;
    let ours = both(
        &database,
        &Shop {
            prepare: include_str!("f06.sql"),
            before: "begin; select faulty.read_balance()",
            other: "begin; select faulty.read_balance(); select faulty.post(5); commit",
            after: "select faulty.post(-3); commit",
            found: "select count(*) from (select l.quantity_after - sum(l.quantity) over (order by l.id) as off from faulty.ledger as l) \
                    where off <> 0",
        },
        "1 ledger rows have a wrong balance",
        &Shop {
            prepare: "select from api.add_stock('A', 'W1', 10)",
            before: "begin; select from api.remove_stock('A', 'W1', 3)",
            other: "select from api.add_stock('A', 'W1', 5)",
            after: "commit",
            found: "select count(*) from (select l.on_hand - sum(l.on_hand_delta) over (order by l.version) as off from ours.ledger as l) \
                    where off <> 0",
        },
        |played| {
            ensure!(
                played.found == [0],
                "{} ledger rows have a wrong balance",
                played.found[0]
            );
            Ok(())
        },
    )
    .await?;
    both_applied(&ours)?;
    let replayed: Vec<i64> = client
        .query(
            "select r.on_hand from generate_series(1, 3) as v (version), \
             api.replay_stock_level('A', 'W1', v.version) as r order by v.version",
            &[],
        )
        .await?
        .iter()
        .map(|row| row.get(0))
        .collect();
    ensure!(replayed == [10, 7, 12], "{replayed:?}");
    Ok(())
}

/// odoo/odoo 62139: a counter of what is reserved goes down twice for one reservation.
async fn reserved_drifts(database: Arc<Database>) -> Result<()> {
    open(&database).await?;
    let ours = both(
        &database,
        &Shop {
            prepare: include_str!("f07.sql"),
            before: "begin; select faulty.check_pending(1)",
            other: "begin; select faulty.check_pending(1); select faulty.cancel(1); commit",
            after: "select faulty.cancel(1); commit",
            found: "select s.reserved, (select sum(r.quantity)::bigint from faulty.reservation as r where r.status = 'PENDING') \
                    from faulty.stock_level as s",
        },
        "1 reserved, 4 in open reservations",
        &Shop {
            prepare: "select from api.add_stock('A', 'W1', 10); \
                      select from api.reserve_stock('A', 'W1', 3, reservation_id => '00000000-0000-0000-0000-000000000001'); \
                      select from api.reserve_stock('A', 'W1', 4)",
            before: "begin; select from api.cancel_reservation('00000000-0000-0000-0000-000000000001')",
            other: "select from api.cancel_reservation('00000000-0000-0000-0000-000000000001')",
            after: "commit",
            found: "select s.reserved, s.promised from ours.stock as s where s.sku = 'A'",
        },
        |played| {
            let (reserved, open) = (played.found[0], played.found[1]);
            ensure!(reserved == open, "{reserved} reserved, {open} in open reservations");
            Ok(())
        },
    )
    .await?;
    ensure!(
        ours.waited && ours.outcomes == ["applied", "IV009"] && ours.found == [4, 4],
        "{ours:?}"
    );
    Ok(())
}
