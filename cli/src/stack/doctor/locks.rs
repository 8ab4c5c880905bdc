//! Who holds a lock that others wait for.

use anyhow::Result;
use tokio_postgres::Client;

use super::Finding;

const WHAT: &str = "locks";
/// Those whom others have waited for, longer than any write of ours holds a lock, and who wait for nobody themselves; the one with the
/// most behind it first.
const BLOCKERS: &str = "select b.pid, coalesce(b.usename::text, b.backend_type), coalesce(b.state, 'active'), \
        extract(epoch from clock_timestamp() - coalesce(b.xact_start, b.backend_start))::float8, \
        coalesce(left(regexp_replace(b.query, '\\s+', ' ', 'g'), 60), ''), \
        count(distinct w.pid), min(w.relation::regclass::text) \
    from pg_catalog.pg_locks as w \
        cross join lateral unnest(pg_catalog.pg_blocking_pids(w.pid)) as held (pid) \
        join pg_catalog.pg_stat_activity as b on b.pid = held.pid \
    where not w.granted and w.waitstart < clock_timestamp() - interval '3 s' \
        and pg_catalog.cardinality(pg_catalog.pg_blocking_pids(b.pid)) = 0 \
    group by b.pid, b.usename, b.backend_type, b.state, b.xact_start, b.backend_start, b.query \
    order by 6 desc, 4 desc";

/// A session that others wait for.
struct Blocker {
    pid: i32,
    user: String,
    state: String,
    seconds: f64,
    query: String,
    waiting: i64,
    relation: Option<String>,
}

/// `blocked` says that a check of ours has not come to its end.
pub(super) async fn check(client: &Client, blocked: bool) -> Result<Finding> {
    let rows = client.query(BLOCKERS, &[]).await?;
    let first = rows.first().map(|row| Blocker {
        pid: row.get(0),
        user: row.get(1),
        state: row.get(2),
        seconds: row.get(3),
        query: row.get(4),
        waiting: row.get(5),
        relation: row.get(6),
    });
    Ok(found(first, blocked))
}

fn found(first: Option<Blocker>, blocked: bool) -> Finding {
    let Some(first) = first else {
        return if blocked {
            let fix = "it is busy, not away: onhand status, onhand logs postgres";
            Finding::fail(
                WHAT,
                "a check has not ended, and nobody holds a lock that it waits for",
                fix,
            )
        } else {
            Finding::ok(WHAT, "nobody waits")
        };
    };
    let of_what = first.relation.unwrap_or_else(|| "a row".to_owned());
    let us = if blocked { ", this check among them" } else { "" };
    let detail = format!(
        "{} sessions wait for {of_what}{us}: session {} ({}, {} for {:.0} s) holds it: {}",
        first.waiting, first.pid, first.user, first.state, first.seconds, first.query
    );
    let fix = format!(
        "let it end, or end it: psql -c \"select pg_terminate_backend({})\"",
        first.pid
    );
    if blocked {
        Finding::fail(WHAT, detail, fix)
    } else {
        Finding::warn(WHAT, detail, fix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::doctor::Level;

    fn blocker() -> Blocker {
        Blocker {
            pid: 17,
            user: "onhand_app".to_owned(),
            state: "idle in transaction".to_owned(),
            seconds: 31.4,
            query: "lock table inventory.item".to_owned(),
            waiting: 3,
            relation: Some("inventory.item".to_owned()),
        }
    }

    #[test]
    fn who_is_waited_for_is_named_and_nothing_is_to_be_started() {
        let finding = found(Some(blocker()), true);
        assert_eq!(finding.level, Level::Fail);
        assert_eq!(
            finding.detail,
            "3 sessions wait for inventory.item, this check among them: session 17 (onhand_app, idle in transaction for 31 s) holds \
             it: lock table inventory.item"
        );
        assert!(finding.fix.contains("pg_terminate_backend(17)"), "{finding:?}");
        assert_eq!(found(Some(blocker()), false).level, Level::Warn);
        assert_eq!(found(None, false).level, Level::Ok);
        assert!(!found(None, true).fix.contains("onhand up"));
    }
}
