//! Sends the batches of the write lanes to `api.apply_commands`.

use std::time::{Duration, Instant};

use onhand_db::tokio_postgres::error::SqlState;
use onhand_db::{DbError, Pool, PooledClient, apply_commands};
use serde_json::Value;

use super::traced::BatchTrace;
use crate::lane::{Command, Decision, ExecuteError, Executor};
use crate::metrics;

/// Scope of the stored idempotency keys and mark in the ledger.
const CALLER: &str = "api";

/// One per process; lanes share its pool, which has a connection for each.
pub(crate) struct LaneExecutor {
    pool: Pool,
    /// Longest wait for an answer; past it the outcome counts as unknown.
    deadline: Duration,
}

impl LaneExecutor {
    pub(crate) fn new(pool: Pool, deadline: Duration) -> Self {
        Self { pool, deadline }
    }
}

impl Executor for LaneExecutor {
    async fn apply(&self, commands: &[Command]) -> Result<Vec<Decision>, ExecuteError> {
        let mut batch = commands
            .iter()
            .map(serde_json::to_value)
            .collect::<Result<Vec<Value>, _>>()
            .map_err(|error| ExecuteError::Refused(error.to_string()))?;
        let mut trace = BatchTrace::begin(commands, &mut batch);
        let result = self.call(&batch).await;
        match &result {
            Ok(decisions) => decisions.iter().enumerate().for_each(|(place, decision)| {
                if let Decision::Refused(refusal) = decision {
                    trace.refused(place, refusal.code.slug());
                }
            }),
            Err(error) => trace.failed(error),
        }
        result
    }
}

impl LaneExecutor {
    async fn call(&self, batch: &[Value]) -> Result<Vec<Decision>, ExecuteError> {
        let client = self.pool.get().await.map_err(failure)?;
        let call = apply_commands(&client, batch, Some(CALLER), CALLER);
        let begun = Instant::now();
        let result = tokio::time::timeout(self.deadline, call).await;
        metrics::database_call("apply_commands", begun.elapsed());
        if let Ok(result) = result {
            let outcomes = result.map_err(failure)?;
            return Ok(outcomes.into_iter().map(Decision::from).collect());
        }
        // The session is still busy with the call: it must not go back to the pool.
        drop(PooledClient::take(client));
        Err(ExecuteError::Lost(format!("no answer within {:?}", self.deadline)))
    }
}

fn failure(error: DbError) -> ExecuteError {
    let text = in_full(&error);
    match error {
        DbError::Unreachable(_) => ExecuteError::NotSent(text),
        DbError::Conflict(_) => ExecuteError::Conflict(text),
        DbError::Other(source) if source.code() == Some(&SqlState::QUERY_CANCELED) => ExecuteError::Busy(text),
        DbError::Refused(_) | DbError::Other(_) => ExecuteError::Refused(text),
        // An answer that came but was not understood follows a commit.
        DbError::Interrupted(_) | DbError::Unexpected(_) => ExecuteError::Lost(text),
    }
}

/// An error with everything that led to it, for the log.
pub(crate) fn in_full(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
