//! Commands as `api.apply_commands` takes them and decisions as it answers them.

use jiff::Timestamp;
use onhand_db::{Outcome, Refusal};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::units::Units;

/// What a command does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Op {
    Add,
    Remove,
    Adjust,
    Move,
    Reserve,
    Confirm,
    Cancel,
}

impl Op {
    /// Value of the metric label `operation`.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Add => "add_stock",
            Self::Remove => "remove_stock",
            Self::Adjust => "adjust_stock",
            Self::Move => "move_stock",
            Self::Reserve => "reserve_stock",
            Self::Confirm => "confirm_reservation",
            Self::Cancel => "cancel_reservation",
        }
    }
}

/// One item at one location, and how much of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "a JSON object")]
#[schema(example = json!({"sku": "A-1", "location": "W1", "quantity": 3}))]
pub(crate) struct Line {
    /// The item's sku.
    pub(crate) sku: String,
    /// The location's id.
    pub(crate) location: String,
    /// Whole units.
    pub(crate) quantity: Units,
}

/// One write, in the form that `api.apply_commands` reads. Absent fields are left out.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Command {
    pub(crate) op: Op,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) idempotency_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sku: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) location: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) to: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) quantity: Option<Units>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) lines: Option<Vec<Line>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reservation_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) owner: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expires_in_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expires_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expected_version: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reference: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) correlation_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) user_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) occurred_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) traceparent: Option<String>,
}

impl Command {
    /// A command with nothing but its operation.
    pub(crate) fn new(op: Op) -> Self {
        Self {
            op,
            idempotency_key: None,
            sku: None,
            location: None,
            from: None,
            to: None,
            quantity: None,
            lines: None,
            reservation_id: None,
            owner: None,
            expires_in_seconds: None,
            expires_at: None,
            expected_version: None,
            reason: None,
            reference: None,
            correlation_id: None,
            user_id: None,
            occurred_at: None,
            traceparent: None,
        }
    }

    /// What commands that fight for the same rows have in common: the first item they name.
    pub(super) fn affinity(&self) -> (Option<&str>, Option<Uuid>) {
        let first_line = self.lines.as_ref().and_then(|lines| lines.first());
        let sku = self.sku.as_deref().or(first_line.map(|line| line.sku.as_str()));
        // Confirm and cancel name only their reservation.
        (sku, if sku.is_none() { self.reservation_id } else { None })
    }
}

/// What became of one command.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Decision {
    /// It took effect, now or when its key was first used.
    Applied {
        /// The values after it.
        answer: Answer,
        /// Whether this is the stored answer of an earlier request with the same key.
        replayed: bool,
    },
    /// It changed nothing.
    Refused(Refusal),
}

/// The balance of one item at one location after a write.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct Level {
    /// The item's sku.
    pub(crate) sku: String,
    /// The item's id.
    pub(crate) item_id: Uuid,
    /// The location's id.
    pub(crate) location: String,
    /// What this write moved, held or freed here.
    pub(crate) quantity: i64,
    /// Units physically there.
    pub(crate) on_hand: i64,
    /// Units held by reservations.
    pub(crate) reserved: i64,
    /// Units that can be promised: on_hand - reserved.
    pub(crate) available: i64,
    /// in_stock, low_stock or out_of_stock.
    pub(crate) status: String,
    /// Version of the row; only grows.
    pub(crate) version: i64,
}

/// What a write answers.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(example = json!({"levels": [{
    "sku": "A-1", "item_id": "0198c5a2-7c1e-7bb0-9a53-0f0a4c3c1f7e", "location": "W1", "quantity": 3,
    "on_hand": 10, "reserved": 3, "available": 7, "status": "in_stock", "version": 4}]}))]
pub(crate) struct Answer {
    /// Each balance that changed, as it is after the write.
    pub(crate) levels: Vec<Level>,
    /// The reservation, where the write made or changed one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reservation_id: Option<Uuid>,
    /// PENDING, COMMITTED, RELEASED or EXPIRED.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<String>,
    /// When a pending reservation ends by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expires_at: Option<Timestamp>,
}

impl From<Outcome> for Decision {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Applied(answer) => Self::Applied {
                answer: answer.into(),
                replayed: false,
            },
            Outcome::Replayed(answer) => Self::Applied {
                answer: answer.into(),
                replayed: true,
            },
            Outcome::Refused(refusal) => Self::Refused(refusal),
        }
    }
}

impl From<onhand_db::Answer> for Answer {
    fn from(answer: onhand_db::Answer) -> Self {
        Self {
            levels: answer.levels.into_iter().map(Level::from).collect(),
            reservation_id: answer.reservation_id,
            status: answer.status,
            expires_at: answer.expires_at,
        }
    }
}

impl From<onhand_db::AnswerLevel> for Level {
    fn from(level: onhand_db::AnswerLevel) -> Self {
        Self {
            sku: level.sku,
            item_id: level.item_id,
            location: level.location,
            quantity: level.quantity,
            on_hand: level.on_hand,
            reserved: level.reserved,
            available: level.available,
            status: level.status,
            version: level.version,
        }
    }
}
