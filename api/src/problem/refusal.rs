//! From a refusal of the database's own error class to a problem.

use onhand_db::{ErrorCode, Refusal};
use serde_json::Value;

use super::{Fault, INTERNAL, Problem, ProblemKind};
use crate::lane::LaneError;

/// The problem for a request that a rule refused. Its message is ours and meant for callers.
pub(crate) fn refused(refusal: &Refusal) -> Problem {
    let faults = fault(&refusal.detail).into_iter().collect();
    Problem::new(kind_of(refusal.code))
        .detail(describe(refusal))
        .faults(faults)
        .context(context(refusal))
}

fn kind_of(code: ErrorCode) -> &'static ProblemKind {
    match code {
        ErrorCode::InsufficientStock => &super::INSUFFICIENT_STOCK,
        ErrorCode::ReservationExpired => &super::RESERVATION_EXPIRED,
        ErrorCode::UnknownItem => &super::UNKNOWN_ITEM,
        ErrorCode::UnknownLocation => &super::UNKNOWN_LOCATION,
        ErrorCode::UnknownReservation => &super::UNKNOWN_RESERVATION,
        ErrorCode::StaleVersion => &super::STALE_VERSION,
        ErrorCode::IdempotencyKeyReused => &super::IDEMPOTENCY_KEY_REUSED,
        ErrorCode::InvalidArgument => &super::INVALID_ARGUMENT,
        ErrorCode::ReservationNotPending => &super::RESERVATION_NOT_PENDING,
        ErrorCode::ItemArchived => &super::ITEM_ARCHIVED,
        ErrorCode::LocationClosed => &super::LOCATION_CLOSED,
        ErrorCode::QuantityOutOfRange => &super::QUANTITY_OUT_OF_RANGE,
        ErrorCode::BatchTooLarge => &super::BATCH_TOO_LARGE,
        ErrorCode::ReservationExists => &super::RESERVATION_EXISTS,
        ErrorCode::UnknownUnit => &super::UNKNOWN_UNIT,
        ErrorCode::NotStockable => &super::NOT_STOCKABLE,
        ErrorCode::BundleCycle => &super::BUNDLE_CYCLE,
        ErrorCode::UnknownTransfer => &super::UNKNOWN_TRANSFER,
        ErrorCode::TransferClosed => &super::TRANSFER_CLOSED,
        ErrorCode::ReservationBackordered => &super::RESERVATION_BACKORDERED,
        ErrorCode::UnknownLot => &super::UNKNOWN_LOT,
        ErrorCode::LotNotSellable => &super::LOT_NOT_SELLABLE,
        ErrorCode::TrackingMismatch => &super::TRACKING_MISMATCH,
        ErrorCode::SerialExists => &super::SERIAL_EXISTS,
        ErrorCode::UnknownSerial => &super::UNKNOWN_SERIAL,
        ErrorCode::UnknownReason => &super::UNKNOWN_REASON,
        ErrorCode::InexactConversion => &super::INEXACT_CONVERSION,
        ErrorCode::UnknownSupplier => &super::UNKNOWN_SUPPLIER,
        ErrorCode::UnknownPurchaseOrder => &super::UNKNOWN_PURCHASE_ORDER,
        ErrorCode::PurchaseOrderClosed => &super::PURCHASE_ORDER_CLOSED,
        ErrorCode::UnknownCount => &super::UNKNOWN_COUNT,
        ErrorCode::CountClosed => &super::COUNT_CLOSED,
        ErrorCode::HistoryRetired => &super::HISTORY_RETIRED,
    }
}

/// The problem for a command that got no decision.
pub(crate) fn undecided(error: LaneError) -> Problem {
    use super::{DATABASE_UNAVAILABLE, OVERLOADED, SHUTTING_DOWN};
    match error {
        LaneError::Overloaded => Problem::new(&OVERLOADED),
        LaneError::ShuttingDown => Problem::new(&SHUTTING_DOWN),
        LaneError::Unavailable => {
            Problem::new(&DATABASE_UNAVAILABLE).detail("the database could not be reached; nothing was changed")
        }
        LaneError::OutcomeUnknown => Problem::new(&DATABASE_UNAVAILABLE)
            .detail(
                "the connection to the database broke while the write was under way: \
                 its outcome is unknown",
            )
            .hint(
                "Retry with the same Idempotency-Key: it takes effect once. Without a key, read \
                 the stock or the reservation first.",
            ),
        LaneError::Internal => Problem::new(&INTERNAL),
    }
}

/// A refusal of an entry of a list, whose field is then one of `list/<entry>`.
pub(crate) fn in_list(list: &str, mut refusal: Refusal) -> Refusal {
    let entry = refusal.detail.get("entry").and_then(Value::as_u64);
    let field = text(&refusal.detail, "field").map(str::to_owned);
    if let (Some(entry), Some(field), Value::Object(detail)) = (entry, field, &mut refusal.detail) {
        let field = format!("{list}/{entry}/{field}");
        detail.insert(
            "field".to_owned(),
            Value::String(field.trim_end_matches('/').to_owned()),
        );
    }
    refusal
}

/// The message, followed by the figures that make it concrete.
fn describe(refusal: &Refusal) -> String {
    let detail = &refusal.detail;
    if let Some(problem) = text(detail, "problem") {
        return format!("{} {problem}", text(detail, "field").unwrap_or_default())
            .trim()
            .to_owned();
    }
    let mut parts = Vec::new();
    let place = [text(detail, "sku"), text(detail, "location")];
    let place: Vec<&str> = place.into_iter().flatten().collect();
    if !place.is_empty() {
        parts.push(place.join(" at "));
    }
    for name in ["requested", "available", "version", "status", "reservation_id"] {
        match detail.get(name) {
            Some(Value::String(value)) => parts.push(format!("{name} {value}")),
            Some(Value::Number(value)) => parts.push(format!("{name} {value}")),
            _ => {}
        }
    }
    if parts.is_empty() {
        return refusal.message.clone();
    }
    format!("{}: {}", refusal.message, parts.join(", "))
}

/// `{"field", "problem"}` names a field of the command; most are fields of the body, too.
fn fault(detail: &Value) -> Option<Fault> {
    let problem = text(detail, "problem")?;
    Some(match text(detail, "field")? {
        "idempotency_key" => Fault::header("idempotency-key", problem),
        "expected_version" => Fault::header("if-match", problem),
        "correlation_id" => Fault::header("x-correlation-id", problem),
        "" => Fault::body("", problem),
        field => Fault::body(format!("/{field}"), problem),
    })
}

/// A detail that only names a field is in `errors` already.
fn context(refusal: &Refusal) -> Option<Value> {
    let wanted = refusal.detail.is_object() && refusal.detail.get("problem").is_none();
    wanted.then(|| refusal.detail.clone())
}

fn text<'a>(detail: &'a Value, name: &str) -> Option<&'a str> {
    detail.get(name).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use serde_json::json;

    use super::*;

    fn body(code: ErrorCode, detail: Value) -> Value {
        let refusal = Refusal {
            code,
            message: "no".into(),
            detail,
            hint: None,
        };
        serde_json::from_slice(&refused(&refusal).body()).unwrap()
    }

    #[test]
    fn codes_and_statuses_are_those_of_the_database() {
        for code in ErrorCode::ALL {
            let kind = kind_of(code);
            assert_eq!(kind.code, code.slug());
            assert_eq!(kind.status.as_u16(), code.http_status());
        }
    }

    #[test]
    fn figures_are_told_in_words_and_as_json() {
        let detail = json!({"sku": "A", "location": "W", "requested": 5, "available": 3, "version": 9});
        let body = body(ErrorCode::InsufficientStock, detail);
        assert_eq!(body["status"], 409);
        assert_eq!(body["detail"], "no: A at W, requested 5, available 3, version 9");
        assert_eq!(body["context"]["available"], 3);
    }

    #[test]
    fn a_wrong_field_becomes_a_pointer() {
        let problem = "must be greater than zero";
        let body = body(
            ErrorCode::InvalidArgument,
            json!({"field": "lines/2/quantity", "problem": problem}),
        );
        assert_eq!(body["errors"][0]["pointer"], "/lines/2/quantity");
        assert_eq!(body["detail"], "lines/2/quantity must be greater than zero");
        assert!(body.get("context").is_none());
    }

    #[test]
    fn a_wrong_entry_is_pointed_at() {
        let detail = json!({"field": "name", "problem": "is required", "entry": 3});
        let refusal = Refusal {
            code: ErrorCode::InvalidArgument,
            message: "no".into(),
            detail,
            hint: None,
        };
        let refusal = in_list("items", refusal);
        assert_eq!(
            fault(&refusal.detail).unwrap().pointer.as_deref(),
            Some("/items/3/name")
        );
    }

    #[test]
    fn an_unknown_outcome_is_said() {
        let body: Value = serde_json::from_slice(&undecided(LaneError::OutcomeUnknown).body()).unwrap();
        assert_eq!(body["code"], "database_unavailable");
        assert!(body["detail"].as_str().unwrap().contains("outcome is unknown"));
        assert!(body["hint"].as_str().unwrap().contains("same Idempotency-Key"));
    }
}
