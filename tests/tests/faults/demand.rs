//! More is promised than there is.

use crate::play::{Played, Shop, both, open};
use anyhow::{Result, ensure};
use onhand_tests::database::Database;
use onhand_tests::suite::{Body, test};
use std::sync::Arc;

pub(super) fn all() -> Vec<(String, Body)> {
    vec![
        test("f01_same_item_twice_in_one_batch", same_item_twice),
        test("f02_check_then_increment_without_a_lock", check_then_increment),
        test(
            "f03_check_and_allocation_in_different_transactions",
            check_then_allocation,
        ),
        test("f28_retry_while_the_first_request_runs", retry),
    ]
}

fn not_oversold(played: &Played) -> Result<()> {
    let (promised, on_hand) = (played.found[0], played.found[1]);
    ensure!(promised <= on_hand, "{promised} promised of {on_hand}");
    Ok(())
}

/// What each of two sessions does on Onhand: an order for 6 of 10.
const ORDERS: Shop = Shop {
    prepare: "select from api.add_stock('A', 'W1', 10)",
    before: "begin; select from api.reserve_stock('A', 'W1', 6)",
    other: "select from api.reserve_stock('A', 'W1', 6)",
    after: "commit",
    found: "select s.promised, s.on_hand, s.reserved from ours.stock as s where s.sku = 'A'",
};

fn one_of_two(ours: &Played) -> Result<()> {
    ensure!(
        ours.waited && ours.outcomes == ["applied", "IV001"] && ours.found[0] == 6,
        "{ours:?}"
    );
    Ok(())
}

/// medusajs/medusa 16502: two lines of one order name the same item; each fits by itself, their sum does not. The same through a kit.
async fn same_item_twice(database: Arc<Database>) -> Result<()> {
    open(&database).await?;
    let ours = both(
        &database,
        &Shop {
            prepare: include_str!("f01.sql"),
            after: r#"select faulty.reserve('[{"sku": "A", "quantity": 6}, {"sku": "A", "quantity": 6}]')"#,
            found: "select s.promised, s.on_hand from faulty.stock as s where s.sku = 'A'",
            ..Shop::default()
        },
        "12 promised of 10",
        &Shop {
            prepare: "select from api.add_stock('A', 'W1', 10)",
            after: r#"select from api.reserve_stock(lines => '[{"sku": "A", "location": "W1", "quantity": 6},
                {"sku": "A", "location": "W1", "quantity": 6}]')"#,
            found: "select s.promised, s.on_hand from ours.stock as s where s.sku = 'A'",
            ..Shop::default()
        },
        not_oversold,
    )
    .await?;
    ensure!(ours.outcomes[0] == "IV001" && ours.found == [0, 10], "{ours:?}");
    let ours = both(
        &database,
        &Shop {
            after: r#"select faulty.reserve('[{"sku": "KIT", "quantity": 3}, {"sku": "B", "quantity": 5}]')"#,
            found: "select s.promised, s.on_hand from faulty.stock as s where s.sku = 'B'",
            ..Shop::default()
        },
        "11 promised of 10",
        &Shop {
            prepare: r#"select from api.upsert_item('KIT', 'two B', kind => 'bundle');
                select from api.set_bundle('KIT', '[{"sku": "B", "quantity": 2}]');
                select from api.add_stock('B', 'W1', 10)"#,
            after: r#"select from api.reserve_stock(lines => '[{"sku": "KIT", "location": "W1", "quantity": 3},
                {"sku": "B", "location": "W1", "quantity": 5}]')"#,
            found: "select s.promised, s.on_hand from ours.stock as s where s.sku = 'B'",
            ..Shop::default()
        },
        not_oversold,
    )
    .await?;
    ensure!(ours.outcomes[0] == "IV001" && ours.found == [0, 10], "{ours:?}");
    Ok(())
}

/// medusajs/medusa 16569 and 12132: two orders check, then both increment what they have read: oversold, and one increment is lost.
async fn check_then_increment(database: Arc<Database>) -> Result<()> {
    open(&database).await?;
    let ours = both(
        &database,
        &Shop {
            prepare: include_str!("f02.sql"),
            before: "begin; select faulty.check_stock(6)",
            other: "begin; select faulty.check_stock(6); select faulty.increment(6); commit",
            after: "select faulty.increment(6); commit",
            found: "select s.promised, s.on_hand, s.reserved from faulty.stock as s where s.sku = 'A'",
        },
        "12 promised of 10, 6 counted",
        &ORDERS,
        |played| {
            let [promised, on_hand, counted] = played.found[..] else {
                anyhow::bail!("{played:?}");
            };
            ensure!(
                promised <= on_hand && promised == counted,
                "{promised} promised of {on_hand}, {counted} counted"
            );
            Ok(())
        },
    )
    .await?;
    one_of_two(&ours)
}

/// vendurehq/vendure 1738: the check is one transaction, the allocation another one.
async fn check_then_allocation(database: Arc<Database>) -> Result<()> {
    open(&database).await?;
    let ours = both(
        &database,
        &Shop {
            prepare: include_str!("f03.sql"),
            before: "begin; select faulty.begin_order(6); commit",
            other: "begin; select faulty.begin_order(6); commit; begin; select faulty.place_order(6); commit",
            after: "begin; select faulty.place_order(6); commit",
            found: "select s.allocated, s.on_hand from faulty.stock_level as s",
        },
        "12 promised of 10",
        &ORDERS,
        not_oversold,
    )
    .await?;
    one_of_two(&ours)
}

/// A client hears nothing, gives up waiting and asks again while its first request still runs.
async fn retry(database: Arc<Database>) -> Result<()> {
    let client = open(&database).await?;
    let ours = both(
        &database,
        &Shop {
            prepare: include_str!("f28.sql"),
            before: "begin; select faulty.reserve(5, 'order 1')",
            other: "select faulty.reserve(5, 'order 1')",
            after: "commit",
            found: "select count(*), sum(r.quantity)::bigint from faulty.reservation as r",
        },
        "2 reservations of together 10 for one order of 5",
        &Shop {
            prepare: "select from api.add_stock('A', 'W1', 20)",
            before: "begin; select from api.reserve_stock('A', 'W1', 5, idempotency_key => 'order 1')",
            other: "select from api.reserve_stock('A', 'W1', 5, idempotency_key => 'order 1')",
            after: "commit",
            found: "select (select count(*) from inventory.reservation), s.promised from ours.stock as s where s.sku = 'A'",
        },
        |played| {
            let (count, quantity) = (played.found[0], played.found[1]);
            ensure!(
                (count, quantity) == (1, 5),
                "{count} reservations of together {quantity} for one order of 5"
            );
            Ok(())
        },
    )
    .await?;
    ensure!(ours.waited && ours.outcomes == ["applied", "applied"], "{ours:?}");
    let again = client
        .query_one(
            "select r.replayed, r.reservation_id = (select o.id from inventory.reservation as o) \
             from api.reserve_stock('A', 'W1', 5, idempotency_key => 'order 1') as r",
            &[],
        )
        .await?;
    ensure!(
        again.get(0) && again.get(1),
        "the same request has another answer: {again:?}"
    );
    let another = crate::play::run(
        &client,
        "select from api.reserve_stock('A', 'W1', 6, idempotency_key => 'order 1')",
    );
    ensure!(another.await? == "IV007", "another request was taken under the key");
    Ok(())
}
