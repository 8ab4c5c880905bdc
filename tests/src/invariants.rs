//! What must hold after any history, asked from the database itself.

use anyhow::{Context, Result, ensure};
use tokio_postgres::Client;

/// Lists every key on which a rule of the inventory does not hold, lots and serial numbers among them; no row means that all is well.
/// Each file is a query of its own, perhaps with a `with` clause, and therefore stands in parentheses.
pub const QUERY: &str = concat!(
    "select r.* from (\n",
    include_str!("../sql/support/invariants.sql"),
    "\n) as r\nunion all\nselect t.* from (\n",
    include_str!("../sql/support/tracking_invariants.sql"),
    "\n) as t",
);

/// Fails with the first keys on which a rule does not hold. Call it when no write is under way.
///
/// # Errors
/// Names the rules, the keys and the values.
pub async fn assert_hold(client: &Client) -> Result<()> {
    let rows = client
        .query(QUERY, &[])
        .await
        .context("the invariants could not be asked")?;
    let broken: Vec<String> = rows
        .iter()
        .take(20)
        .map(|row| {
            let (rule, key, found): (String, String, String) = (row.get(0), row.get(1), row.get(2));
            format!("{rule}: {key}: {found}")
        })
        .collect();
    ensure!(
        broken.is_empty(),
        "{} rules are broken:\n{}",
        rows.len(),
        broken.join("\n")
    );
    Ok(())
}

/// Fails with the first findings of the functions that operators ask whether ledger and balances are whole.
///
/// # Errors
/// Names the findings.
pub async fn assert_whole(client: &Client) -> Result<()> {
    let rows = client
        .query(
            "select to_jsonb(f)::text from (select * from api.check_ledger() union all select * from api.check_conservation()) as f \
             limit 20",
            &[],
        )
        .await
        .context("the ledger could not be checked")?;
    let findings: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    ensure!(
        findings.is_empty(),
        "ledger or balances are not whole:\n{}",
        findings.join("\n")
    );
    Ok(())
}
