//! `api.apply_commands`: a batch of commands in, one answer for each out.

use crate::{DbError, ErrorCode, PooledClient, Refusal};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// A stock level after a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerLevel {
    /// Sku of the item.
    pub sku: String,
    /// Id of the item.
    pub item_id: Uuid,
    /// Id of the location.
    pub location: String,
    /// Units that the command moved or holds here; signed for an adjustment.
    pub quantity: i64,
    /// Units on hand afterwards.
    pub on_hand: i64,
    /// Units reserved afterwards.
    pub reserved: i64,
    /// Units available afterwards.
    pub available: i64,
    /// `in_stock`, `low_stock` or `out_of_stock`.
    pub status: String,
    /// Version of the row afterwards.
    pub version: i64,
}

/// What an applied command did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Stock levels it changed, in key order.
    pub levels: Vec<AnswerLevel>,
    /// The reservation it made or closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reservation_id: Option<Uuid>,
    /// Status of that reservation afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Deadline of a new reservation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// What became of one command.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It was applied now.
    Applied(Answer),
    /// It had been applied before under its idempotency key; this is the answer given then.
    Replayed(Answer),
    /// A rule refused it; it changed nothing.
    Refused(Refusal),
}

/// The hint is read from the row as a whole: the functions of the release before, which this program may meet while a database is
/// brought to this one, have no such column. Only refused rows are looked at so.
const CALL: &str = "
    select a.outcome, a.code, a.message, a.detail, a.answer, case when a.outcome = 'refused' then to_jsonb(a) ->> 'hint' end
    from api.apply_commands($1, $2, $3) as a
    order by a.ordinal";

/// Applies at most 1,000 commands in one transaction and answers each, in the order given.
///
/// Everything is durable when this returns. See `functions/README.md` for the form of a command.
///
/// # Errors
/// [`DbError::Interrupted`] means that the outcome is unknown: repeat the commands under the same idempotency keys.
pub async fn apply_commands(
    client: &PooledClient,
    commands: &[Value],
    caller: Option<&str>,
    source: &str,
) -> Result<Vec<Outcome>, DbError> {
    let statement = client.prepare_cached(CALL).await?;
    let rows = client
        .query(&statement, &[&Value::from(commands.to_vec()), &caller, &source])
        .await?;
    if rows.len() != commands.len() {
        return Err(DbError::Unexpected(format!(
            "{} answers to {} commands",
            rows.len(),
            commands.len()
        )));
    }
    rows.iter().map(outcome).collect()
}

fn outcome(row: &tokio_postgres::Row) -> Result<Outcome, DbError> {
    let outcome: &str = row.try_get(0)?;
    if outcome == "refused" {
        let sqlstate: &str = row.try_get(1)?;
        let code = ErrorCode::from_sqlstate(sqlstate)
            .ok_or_else(|| DbError::Unexpected(format!("a refusal with SQLSTATE {sqlstate}")))?;
        return Ok(Outcome::Refused(Refusal {
            code,
            message: row.try_get(2)?,
            detail: row.try_get::<_, Option<Value>>(3)?.unwrap_or(Value::Null),
            hint: row.try_get(5)?,
        }));
    }
    let answer = serde_json::from_value(row.try_get(4)?)
        .map_err(|error| DbError::Unexpected(format!("an answer that does not parse: {error}")))?;
    match outcome {
        "applied" => Ok(Outcome::Applied(answer)),
        "replayed" => Ok(Outcome::Replayed(answer)),
        other => Err(DbError::Unexpected(format!("the outcome {other}"))),
    }
}
