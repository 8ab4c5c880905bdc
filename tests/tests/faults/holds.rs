//! Stock that is there and cannot be had.

use crate::play::{Shop, both, open, run};
use anyhow::{Result, ensure};
use onhand_tests::database::Database;
use onhand_tests::suite::{Body, test};
use std::sync::Arc;

pub(super) fn all() -> Vec<(String, Body)> {
    vec![
        test("f08_expired_hold_still_counts", expired_hold),
        test("f09_blocked_by_their_own_hold", own_hold),
        test("f11_negative_hides_what_another_has", negative_balance),
    ]
}

/// tigerbeetle/tigerbeetle 2118: nobody has written down yet that a hold ran out. No sweeper runs here.
async fn expired_hold(database: Arc<Database>) -> Result<()> {
    open(&database).await?;
    let ours = both(
        &database,
        &Shop {
            prepare: include_str!("f08.sql"),
            before: "select faulty.reserve(5, '300 milliseconds')",
            other: "select pg_sleep_until(h.expires_at) from faulty.hold as h",
            after: "select faulty.reserve(5, '1 hour')",
            found: "select coalesce(sum(h.quantity), 0)::bigint from faulty.hold as h where h.expires_at > clock_timestamp()",
        },
        "IV001: the next shopper holds 0 of 5",
        &Shop {
            prepare: "select from api.add_stock('A', 'W1', 5)",
            before: "select from api.reserve_stock('A', 'W1', 5, expires_in => '300 milliseconds')",
            other: "select pg_sleep_until(r.expires_at) from inventory.reservation as r",
            after: "do $$ begin assert (select s.available from api.get_stock_level('A', 'W1') as s) = 5; end $$; \
                    select from api.reserve_stock('A', 'W1', 5, expires_in => '1 hour')",
            found: "select sum(l.quantity)::bigint from inventory.reservation_line as l \
                    where l.status = 'PENDING' and l.expires_at > clock_timestamp()",
        },
        |played| {
            ensure!(
                played.outcomes[0] == "applied" && played.found == [5],
                "{}: the next shopper holds {} of 5",
                played.outcomes[0],
                played.found[0]
            );
            Ok(())
        },
    )
    .await?;
    ensure!(!ours.waited, "{ours:?}");
    Ok(())
}

/// woocommerce/woocommerce 67751: a shopper begins again and wants 4 of the 5 that their own first order holds.
async fn own_hold(database: Arc<Database>) -> Result<()> {
    let client = open(&database).await?;
    both(
        &database,
        &Shop {
            prepare: include_str!("f09.sql"),
            before: "select faulty.reserve(1, 'shopper', 5)",
            after: "select faulty.reserve(2, 'shopper', 4)",
            found: "select sum(h.quantity)::bigint from faulty.hold as h",
            ..Shop::default()
        },
        "IV001: the shopper holds 5",
        &Shop {
            prepare: "select from api.add_stock('A', 'W1', 5)",
            before: "select from api.reserve_stock('A', 'W1', 5, owner => 'shopper')",
            after: "select from api.reserve_stock('A', 'W1', 4, owner => 'shopper', replace => true)",
            found: "select s.promised from ours.stock as s where s.sku = 'A'",
            ..Shop::default()
        },
        |played| {
            ensure!(
                played.outcomes[0] == "applied" && played.found == [4],
                "{}: the shopper holds {}",
                played.outcomes[0],
                played.found[0]
            );
            Ok(())
        },
    )
    .await?;
    // Or keeps it for longer, in one call too.
    let extended =
        "select from inventory.reservation as r, api.extend_reservation(r.id, '1 hour') where r.status = 'PENDING'";
    ensure!(run(&client, extended).await? == "applied", "not extended");
    let row = client
        .query_one(
            "select count(*), bool_and(l.expires_at > clock_timestamp() + interval '50 minutes') \
             from inventory.reservation_line as l where l.status = 'PENDING'",
            &[],
        )
        .await?;
    ensure!(row.get::<_, i64>(0) == 1 && row.get(1), "{row:?}");
    Ok(())
}

/// saleor/saleor 17170: one warehouse has sold 30 more than it had, another one has 16 to sell.
async fn negative_balance(database: Arc<Database>) -> Result<()> {
    open(&database).await?;
    both(
        &database,
        &Shop {
            prepare: include_str!("f11.sql"),
            found: "select faulty.available()",
            ..Shop::default()
        },
        "0 of 16 can be had",
        &Shop {
            prepare: "select from api.set_stock_policy('A', 'W1', policy => 'oversell'); \
                      select from api.remove_stock('A', 'W1', 30); \
                      select from api.add_stock('A', 'W2', 20); \
                      select from api.reserve_stock('A', 'W2', 4); \
                      select from api.fold_stock_summary()",
            found: "select s.available from api.get_stock_summary('A') as s",
            ..Shop::default()
        },
        |played| {
            ensure!(played.found == [16], "{} of 16 can be had", played.found[0]);
            Ok(())
        },
    )
    .await?;
    Ok(())
}
