//! Every kind of problem a request can meet: the one list behind the answers, the pages under
//! `/problems/` and the OpenAPI document.

use axum::http::StatusCode;

/// One kind of problem. `code` is stable and never reused.
#[derive(Debug, PartialEq, Eq)]
pub struct ProblemKind {
    /// Stable machine-readable name; also the last part of the `type` URI.
    pub code: &'static str,
    /// HTTP status it is answered with.
    pub status: StatusCode,
    /// Short human-readable name.
    pub title: &'static str,
    /// What happened, for the page of this kind.
    pub about: &'static str,
    /// What the caller can do.
    pub hint: &'static str,
}

macro_rules! catalogue {
    ($($name:ident = $code:literal, $status:ident, $title:literal, $about:literal, $hint:literal;)*) => {
        $(
            #[doc = $about]
            pub(crate) static $name: ProblemKind = ProblemKind {
                code: $code,
                status: StatusCode::$status,
                title: $title,
                about: $about,
                hint: $hint,
            };
        )*
        /// All kinds, in the order they are documented.
        pub(crate) static CATALOGUE: &[&ProblemKind] = &[$(&$name),*];
    };
}

catalogue! {
    INSUFFICIENT_STOCK = "insufficient_stock", CONFLICT, "Insufficient stock",
        "At least one line asks for more than is available. Nothing was changed.",
        "Ask for less, another location, or try again when stock has come in.";
    RESERVATION_EXPIRED = "reservation_expired", CONFLICT, "Reservation expired",
        "The reservation's deadline has passed, so its stock is free again.",
        "Make a new reservation.";
    UNKNOWN_ITEM = "unknown_item", NOT_FOUND, "Unknown item",
        "No item has this sku or id.",
        "Check the sku, or create the item first with PUT /v1/items/{sku}.";
    UNKNOWN_LOCATION = "unknown_location", NOT_FOUND, "Unknown location",
        "No location has this id.",
        "Check the id, or create the location first with PUT /v1/locations/{id}.";
    UNKNOWN_RESERVATION = "unknown_reservation", NOT_FOUND, "Unknown reservation",
        "No reservation has this id.",
        "Use the reservation_id that POST /v1/reservations answered.";
    STALE_VERSION = "stale_version", PRECONDITION_FAILED, "Stale version",
        "The row has changed since the version given in If-Match. Nothing was changed.",
        "Read the row again, decide anew, and send its current version.";
    IDEMPOTENCY_KEY_REUSED = "idempotency_key_reused", UNPROCESSABLE_ENTITY,
        "Idempotency key reused",
        "This Idempotency-Key was used before by the same client for another request.",
        "Use a new key for a new request; repeat a key only with the same request.";
    INVALID_ARGUMENT = "invalid_argument", BAD_REQUEST, "Invalid argument",
        "The request was understood, but a value, header or parameter in it is not allowed, missing, or unknown.",
        "See errors: each entry points at one value.";
    RESERVATION_NOT_PENDING = "reservation_not_pending", CONFLICT, "Reservation not pending",
        "The reservation was confirmed, cancelled or has expired already.",
        "Read it with GET /v1/reservations/{id}.";
    ITEM_ARCHIVED = "item_archived", CONFLICT, "Item archived",
        "The item is archived and takes no new stock or reservations.",
        "Set its status to active first, or use another item.";
    LOCATION_CLOSED = "location_closed", CONFLICT, "Location closed",
        "The location is closed and takes no new stock or reservations.",
        "Set its status to open first, or use another location.";
    QUANTITY_OUT_OF_RANGE = "quantity_out_of_range", UNPROCESSABLE_ENTITY,
        "Quantity out of range",
        "The quantity, or the balance it would lead to, is beyond 1,000,000,000,000 units.",
        "Check the quantity and its unit of measure.";
    BATCH_TOO_LARGE = "batch_too_large", PAYLOAD_TOO_LARGE, "Batch too large",
        "More lines or entries than one call may carry.",
        "Split the request.";
    RESERVATION_EXISTS = "reservation_exists", CONFLICT, "Reservation exists",
        "A reservation with the given reservation_id exists already.",
        "Leave reservation_id out to have one made, or read the existing reservation.";
    UNKNOWN_UNIT = "unknown_unit", NOT_FOUND, "Unknown unit",
        "The item has no unit of measure of this name.",
        "Add the unit to the item first, or give the quantity in its base unit.";
    NOT_STOCKABLE = "not_stockable", CONFLICT, "Not stockable",
        "The item is a bundle: it has no stock of its own.",
        "Receive, count and move its components.";
    BUNDLE_CYCLE = "bundle_cycle", CONFLICT, "Bundle cycle",
        "The bundle would contain itself, directly or through another bundle.",
        "Leave out the component that leads back to it.";
    UNKNOWN_TRANSFER = "unknown_transfer", NOT_FOUND, "Unknown transfer",
        "There is no transfer with this id.",
        "Check the id that the shipment was answered with.";
    TRANSFER_CLOSED = "transfer_closed", CONFLICT, "Transfer closed",
        "Everything that was shipped has been received, lost or called back.",
        "Read the transfer; correct a mistake with an adjustment.";
    RESERVATION_BACKORDERED = "reservation_backordered", CONFLICT, "Reservation backordered",
        "A part of the reservation still waits for stock.",
        "Wait until stock comes in, or confirm only the lines that are allocated.";
    UNKNOWN_LOT = "unknown_lot", NOT_FOUND, "Unknown lot",
        "The item has no lot with this code.",
        "Receive the lot first, or check the spelling.";
    LOT_NOT_SELLABLE = "lot_not_sellable", CONFLICT, "Lot not sellable",
        "The lot has expired or was recalled.",
        "Cancel and reserve again to get another lot.";
    TRACKING_MISMATCH = "tracking_mismatch", UNPROCESSABLE_ENTITY, "Tracking mismatch",
        "The item is tracked by lot or serial number and the request does not name them, or names what does not fit.",
        "See the detail: it says what is missing or too much.";
    SERIAL_EXISTS = "serial_exists", CONFLICT, "Serial exists",
        "A serial number in the request is in stock already.",
        "A serial number is in one place at a time; check what was scanned.";
    UNKNOWN_SERIAL = "unknown_serial", NOT_FOUND, "Unknown serial",
        "A serial number in the request is not in stock at that location.",
        "Check the number and the location.";
    UNKNOWN_REASON = "unknown_reason", NOT_FOUND, "Unknown reason",
        "There is no reason with this code.",
        "Take a code from the list of reasons, or add it.";
    INEXACT_CONVERSION = "inexact_conversion", UNPROCESSABLE_ENTITY, "Inexact conversion",
        "The quantity is no whole number of the unit asked for.",
        "Give the quantity in a smaller unit.";
    UNKNOWN_SUPPLIER = "unknown_supplier", NOT_FOUND, "Unknown supplier",
        "There is no supplier with this code.",
        "Create it first, or check the spelling.";
    UNKNOWN_PURCHASE_ORDER = "unknown_purchase_order", NOT_FOUND, "Unknown purchase order",
        "There is no purchase order with this id.",
        "Check the id that placing it was answered with.";
    PURCHASE_ORDER_CLOSED = "purchase_order_closed", CONFLICT, "Purchase order closed",
        "Everything on the purchase order has been received or called off.",
        "Place a new order, or receive the goods without one.";
    UNKNOWN_COUNT = "unknown_count", NOT_FOUND, "Unknown count",
        "There is no stock count with this id.",
        "Check the id that opening it was answered with.";
    COUNT_CLOSED = "count_closed", CONFLICT, "Count closed",
        "The stock count is not in the state for this.",
        "Lines are counted while it is open; it is posted once it is approved.";
    HISTORY_RETIRED = "history_retired", GONE, "History retired",
        "The ledger of that time has been retired.",
        "Ask for a later instant.";
    MALFORMED_JSON = "malformed_json", BAD_REQUEST, "Malformed JSON",
        "The body is not well-formed JSON in UTF-8.",
        "The detail names the line and column where reading stopped.";
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type", UNSUPPORTED_MEDIA_TYPE,
        "Unsupported media type",
        "The body is not declared as JSON.",
        "Send the header Content-Type: application/json.";
    BODY_TOO_LARGE = "body_too_large", PAYLOAD_TOO_LARGE, "Body too large",
        "The request body is larger than this server accepts.",
        "Split the request.";
    NOT_FOUND = "not_found", NOT_FOUND, "Not found",
        "There is no such path.",
        "The paths are listed at /docs.";
    METHOD_NOT_ALLOWED = "method_not_allowed", METHOD_NOT_ALLOWED, "Method not allowed",
        "The path exists, but not for this method.",
        "The Allow header lists the methods; see /docs.";
    REQUEST_TIMEOUT = "request_timeout", SERVICE_UNAVAILABLE, "Request timed out",
        "The server did not finish in time. A write may or may not have happened.",
        "Retry with the same Idempotency-Key: it takes effect once.";
    OVERLOADED = "overloaded", SERVICE_UNAVAILABLE, "Overloaded",
        "Too many writes are waiting, or a lock was not free in time. Nothing was changed.",
        "Wait as long as Retry-After says, then retry.";
    DATABASE_UNAVAILABLE = "database_unavailable", SERVICE_UNAVAILABLE, "Database unavailable",
        "Postgres could not be reached, or the connection broke. The detail says whether the outcome of a write is known.",
        "Retry with the same Idempotency-Key: it takes effect once.";
    SEARCH_UNAVAILABLE = "search_unavailable", SERVICE_UNAVAILABLE, "Search unavailable",
        "Elasticsearch could not be reached or did not answer in time.",
        "Retry later. Reads by id and sku and all writes are not affected.";
    TOKEN_AHEAD = "token_ahead", CONFLICT, "Token ahead",
        "The Consistency-Token speaks of a write that this database does not have: it was restored to a time before the write, \
            or the token was answered by another installation.",
        "Drop the token, and read what was written again: the write may have to be repeated.";
    TOKEN_TOO_WIDE = "token_too_wide", CONFLICT, "Token too wide",
        "The Consistency-Token is of a write of more items than a search can wait for one by one.",
        "Search without it, or write at most a hundred items at once where a search has to follow.";
    NOT_CAUGHT_UP = "not_caught_up", SERVICE_UNAVAILABLE, "Not caught up",
        "The search does not have the write of the Consistency-Token yet.",
        "Retry, or search without the token if an older answer will do. Reads by id or sku have it at once.";
    SHUTTING_DOWN = "shutting_down", SERVICE_UNAVAILABLE, "Shutting down",
        "This instance is shutting down and takes no more writes. Nothing was changed.",
        "Retry: another instance, or this one after its restart, answers.";
    INTERNAL = "internal", INTERNAL_SERVER_ERROR, "Internal error",
        "Something failed that should not. It was logged with the request id.",
        "Report the request id. A retry with the same Idempotency-Key is safe.";
}

/// The kind with this code.
pub(crate) fn find(code: &str) -> Option<&'static ProblemKind> {
    CATALOGUE.iter().copied().find(|kind| kind.code == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_found() {
        for kind in CATALOGUE {
            assert_eq!(CATALOGUE.iter().filter(|other| other.code == kind.code).count(), 1);
            assert_eq!(find(kind.code), Some(*kind));
            assert!(kind.status.is_client_error() || kind.status.is_server_error());
        }
        assert_eq!(find("no_such_code"), None);
    }
}
