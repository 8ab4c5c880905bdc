//! Calls of `api.apply_commands`, and what to do when one fails as a whole.
//!
//! A refusal is a row of the answer and no failure. A call that fails has changed nothing (or it is not known, and the
//! idempotency keys make it safe to ask again). If the cause is one of its commands, halving finds it; everything else waits.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use onhand_cdc::error_chain;
use onhand_db::{DbError, Pool, PooledClient, Refusal, apply_commands};
use serde_json::Value;

use super::config::IngestConfig;
use super::metrics;
use crate::postgres::is_about_data;
use crate::runtime::SinkError;

/// What the ledger says about where a movement came from.
const SOURCE: &str = "kafka";
/// Longest wait for the answer to a probe.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a command was refused, as its sender is told.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reason {
    /// SQLSTATE.
    pub(super) code: String,
    /// The same as a word.
    pub(super) slug: String,
    /// The same as a sentence.
    pub(super) message: String,
    /// What the rule looked at.
    pub(super) detail: Value,
    /// What the sender can do about it.
    pub(super) hint: Option<String>,
}

impl From<Refusal> for Reason {
    fn from(refusal: Refusal) -> Self {
        Self {
            code: refusal.code.sqlstate().to_owned(),
            slug: refusal.code.slug().to_owned(),
            message: refusal.message,
            detail: refusal.detail,
            hint: refusal.hint,
        }
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}: {}", self.code, self.slug, self.message)?;
        if !self.detail.is_null() {
            write!(f, " {}", self.detail)?;
        }
        if let Some(hint) = &self.hint {
            write!(f, " {hint}")?;
        }
        Ok(())
    }
}

/// What became of one command.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Verdict {
    /// It was applied now.
    Applied,
    /// It had been applied before.
    Replayed,
    /// It was refused and changed nothing.
    Refused(Reason),
    /// It was not decided: ask again.
    Later(String),
}

/// Why a call failed.
#[derive(Debug, PartialEq)]
enum Failure {
    /// Not now.
    Later(String),
    /// Not so many at once.
    TooSlow(String),
    /// One of its commands is the cause.
    Command(Reason),
}

/// Applies commands, a bounded number in one call.
#[derive(Debug)]
pub(super) struct Applier {
    pool: Pool,
    timeout: Duration,
    most: usize,
    /// Most commands in the next call.
    limit: AtomicUsize,
}

impl Applier {
    pub(super) fn new(pool: Pool, config: &IngestConfig) -> Self {
        metrics::limit(config.max_commands);
        Self {
            pool,
            timeout: config.call_timeout(),
            most: config.max_commands,
            limit: AtomicUsize::new(config.max_commands),
        }
    }

    /// Can commands be applied now?
    pub(super) async fn probe(&self) -> Result<(), SinkError> {
        let asked = tokio::time::timeout(PROBE_TIMEOUT, self.is_read_only()).await;
        match asked {
            Ok(Ok(false)) => Ok(()),
            Ok(Ok(true)) => Err(SinkError::Transient("postgres is read-only".to_owned())),
            Ok(Err(error)) => Err(SinkError::Transient(format!("postgres: {}", error_chain(&error)))),
            Err(_) => Err(SinkError::Transient(format!(
                "postgres did not answer within {PROBE_TIMEOUT:?}"
            ))),
        }
    }

    async fn is_read_only(&self) -> Result<bool, DbError> {
        let client = self.pool.get().await?;
        let row = client
            .query_one("select pg_catalog.current_setting('transaction_read_only') = 'on'", &[])
            .await?;
        Ok(row.try_get(0)?)
    }

    /// Decides all of them in their order, as far as it gets; one verdict for each.
    pub(super) async fn apply(&self, caller: &str, commands: &[Value]) -> Vec<Verdict> {
        let mut verdicts = Vec::with_capacity(commands.len());
        let mut ranges = pieces(0..commands.len(), self.limit.load(Ordering::Relaxed));
        while let Some(range) = ranges.pop_front() {
            let piece = commands.get(range.clone()).unwrap_or_default();
            match self.call(caller, piece).await {
                Ok(decided) => {
                    verdicts.extend(decided);
                    self.widen(piece.len());
                }
                Err(Failure::Command(reason)) if piece.len() <= 1 => verdicts.push(Verdict::Refused(reason)),
                Err(Failure::Command(_)) => halves(range, &mut ranges),
                Err(Failure::TooSlow(reason)) => {
                    self.narrow(piece.len());
                    verdicts.resize(commands.len(), Verdict::Later(reason));
                    break;
                }
                // What comes behind waits too: it may be about the same items.
                Err(Failure::Later(reason)) => {
                    verdicts.resize(commands.len(), Verdict::Later(reason));
                    break;
                }
            }
        }
        verdicts
    }

    async fn call(&self, caller: &str, commands: &[Value]) -> Result<Vec<Verdict>, Failure> {
        let client = self.pool.get().await.map_err(|error| failure(&error))?;
        let call = apply_commands(&client, commands, Some(caller), SOURCE);
        match tokio::time::timeout(self.timeout, call).await {
            Ok(Ok(outcomes)) => Ok(outcomes.into_iter().map(Verdict::from).collect()),
            Ok(Err(error)) => Err(failure(&error)),
            Err(_) => {
                // The session is still busy with the call: it must not go back to the pool.
                drop(PooledClient::take(client));
                Err(Failure::TooSlow(format!("no answer within {:?}", self.timeout)))
            }
        }
    }

    fn narrow(&self, tried: usize) {
        self.set_limit((tried / 2).max(1));
    }

    fn widen(&self, done: usize) {
        let limit = self.limit.load(Ordering::Relaxed);
        if done >= limit && limit < self.most {
            self.set_limit(limit.saturating_mul(2).min(self.most));
        }
    }

    fn set_limit(&self, limit: usize) {
        self.limit.store(limit, Ordering::Relaxed);
        metrics::limit(limit);
    }
}

impl From<onhand_db::Outcome> for Verdict {
    fn from(outcome: onhand_db::Outcome) -> Self {
        match outcome {
            onhand_db::Outcome::Applied(_) => Self::Applied,
            onhand_db::Outcome::Replayed(_) => Self::Replayed,
            onhand_db::Outcome::Refused(refusal) => Self::Refused(refusal.into()),
        }
    }
}

fn pieces(all: Range<usize>, most: usize) -> VecDeque<Range<usize>> {
    let end = all.end;
    all.step_by(most.max(1))
        .map(|start| start..start.saturating_add(most.max(1)).min(end))
        .collect()
}

/// Puts both halves before what is still to do: the order of the commands stays.
fn halves(range: Range<usize>, ranges: &mut VecDeque<Range<usize>>) {
    let middle = range.start + (range.end - range.start) / 2;
    ranges.push_front(middle..range.end);
    ranges.push_front(range.start..middle);
}

fn failure(error: &DbError) -> Failure {
    let text = || error_chain(error);
    match error {
        DbError::Refused(refusal) => Failure::Command(refusal.clone().into()),
        DbError::Other(source) => match source.code() {
            Some(state) => of_state(state.code(), text()),
            None => Failure::Later(text()),
        },
        // An answer that is not understood follows a commit: whatever it said, the commands must not be called refused.
        DbError::Conflict(_) | DbError::Unreachable(_) | DbError::Interrupted(_) | DbError::Unexpected(_) => {
            Failure::Later(text())
        }
    }
}

/// An error about data goes back to one command. Everything else, from missing privileges to a full disk, is about the database.
fn of_state(state: &str, text: String) -> Failure {
    if state == "57014" {
        return Failure::TooSlow(text);
    }
    if !is_about_data(state) {
        return Failure::Later(text);
    }
    tracing::warn!(state, error = text, "a command makes its call fail, it is singled out");
    Failure::Command(Reason {
        code: state.to_owned(),
        slug: "rejected_by_database".to_owned(),
        message: "the database cannot take this command".to_owned(),
        detail: Value::Null,
        hint: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use onhand_db::ErrorCode;
    use serde_json::json;

    #[test]
    fn a_reason_ends_with_what_to_do() {
        let refusal = |detail, hint: Option<&str>| Refusal {
            code: ErrorCode::InsufficientStock,
            message: "not enough".to_owned(),
            detail,
            hint: hint.map(str::to_owned),
        };
        let said = |detail, hint| Reason::from(refusal(detail, hint)).to_string();
        assert_eq!(
            said(json!({"available": 1}), Some("Ask for less.")),
            r#"IV001 insufficient_stock: not enough {"available":1} Ask for less."#
        );
        assert_eq!(said(Value::Null, None), "IV001 insufficient_stock: not enough");
    }

    #[test]
    fn pieces_and_halves_keep_the_order_and_lose_nothing() {
        for (count, most) in [(0, 3), (1, 1), (7, 3), (1_000, 1_000), (1_001, 1_000), (5, 0)] {
            let mut ranges = pieces(0..count, most);
            let mut seen = Vec::new();
            while let Some(range) = ranges.pop_front() {
                if range.len() > 1 {
                    halves(range, &mut ranges);
                } else {
                    seen.extend(range);
                }
            }
            assert_eq!(seen, (0..count).collect::<Vec<_>>(), "{count} by {most}");
        }
    }

    #[test]
    fn an_error_of_one_command_is_told_from_an_error_of_the_database() {
        let of = |state: &str| of_state(state, String::new());
        for state in ["22P05", "22003", "23514", "54000", "P0001", "XX000"] {
            assert!(matches!(of(state), Failure::Command(_)), "{state}");
        }
        for state in [
            "25006", "53100", "42501", "42883", "28P01", "55006", "58030", "XX001", "0A000",
        ] {
            assert!(matches!(of(state), Failure::Later(_)), "{state}");
        }
        assert!(matches!(of("57014"), Failure::TooSlow(_)));
    }
}
