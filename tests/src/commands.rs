//! The operations of `api.apply_commands`, and the function that does the same as each.

/// Operation and function. What is not here, `expire`, has no function of its own: `api.expire_reservations` ends whatever is due.
pub const FUNCTIONS: [(&str, &str); 21] = [
    ("add", "add_stock"),
    ("remove", "remove_stock"),
    ("adjust", "adjust_stock"),
    ("return", "return_stock"),
    ("quarantine", "quarantine_stock"),
    ("restore", "restore_stock"),
    ("write_off", "write_off_stock"),
    ("move", "move_stock"),
    ("ship", "ship_stock"),
    ("receive", "receive_transfer"),
    ("cancel_transfer", "cancel_transfer"),
    ("reserve", "reserve_stock"),
    ("confirm", "confirm_reservation"),
    ("cancel", "cancel_reservation"),
    ("extend", "extend_reservation"),
    ("relocate", "relocate_reservation"),
    ("order", "place_purchase_order"),
    ("receive_order", "receive_purchase_order"),
    ("cancel_order", "cancel_purchase_order"),
    ("count", "post_count"),
    ("recall", "recall_lot"),
];

/// The function that does the same as a command.
#[must_use]
pub fn function_of(op: &str) -> Option<&'static str> {
    let found = FUNCTIONS.iter().find(|(name, _)| *name == op)?;
    Some(found.1)
}
