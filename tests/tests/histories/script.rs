//! What a history consists of, drawn at random: steps that name items, places, reservations and keys by small numbers, so that
//! a failing history can be made smaller and still means the same.

mod commands;
mod lots;
mod papers;
mod serials;
mod steps;

pub(crate) use steps::{several, single};

/// One step of a history in a single session.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Commands in one call.
    Batch(Vec<Command>),
    /// One command by the function that is made for it.
    Call(Command),
    /// An earlier request under its idempotency key again.
    Again(u8),
    Settings(Settings),
    /// So many minutes go by.
    Pass(i64),
    Sweep,
    Archive(u8, bool),
    Close(u8, bool),
    RaiseEpoch,
}

#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) item: u8,
    pub(crate) place: u8,
    pub(crate) safety_stock: Option<i64>,
    pub(crate) reorder_point: Option<i64>,
    pub(crate) policy: Option<&'static str>,
}

#[derive(Clone, Debug)]
pub(crate) struct Command {
    pub(crate) op: Op,
    /// Number of its idempotency key.
    pub(crate) key: Option<u8>,
    /// Expects the version that the level had this many changes ago.
    pub(crate) expected: Option<i8>,
    /// Tells of what happened so many moments ago.
    pub(crate) late: Option<u8>,
}

impl Command {
    /// A command that is nothing but its operation.
    fn of(op: Op) -> Self {
        let (key, expected, late) = (None, None, None);
        Self {
            op,
            key,
            expected,
            late,
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) item: u8,
    pub(crate) place: u8,
    pub(crate) quantity: i64,
    /// The unit of measure that the quantity is told in.
    pub(crate) unit: Option<&'static str>,
    /// The lot that it names, if its item has lots.
    pub(crate) lot: Option<Lot>,
    /// The units that it names, if its item has serial numbers.
    pub(crate) serials: Vec<u8>,
}

/// The item that is tracked by lot.
pub(crate) const BY_LOT: u8 = 6;
/// The item that is tracked by serial number.
pub(crate) const BY_SERIAL: u8 = 7;

#[derive(Clone, Debug)]
pub(crate) struct Lot {
    pub(crate) code: u8,
    /// Minutes until it expires, for the first that comes of it.
    pub(crate) minutes: Option<i64>,
}

impl Op {
    /// One line for nobody in particular, all or nothing.
    fn reserve(line: Line, minutes: i64) -> Self {
        Self::Reserve {
            lines: vec![line],
            minutes,
            id: None,
            owner: None,
            partial: false,
            replace: false,
            strategy: None,
        }
    }
}

impl Line {
    fn of(item: u8, place: u8, quantity: i64) -> Self {
        let (unit, lot) = (None, None);
        Self {
            item,
            place,
            quantity,
            unit,
            lot,
            serials: Vec::new(),
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Op {
    /// add, remove, adjust, return, quarantine, restore, `write_off`.
    Change {
        op: &'static str,
        lines: Vec<Line>,
        state: Option<&'static str>,
    },
    /// move and ship.
    Carry {
        op: &'static str,
        from: u8,
        to: u8,
        lines: Vec<Line>,
    },
    Receive {
        transfer: u8,
        lines: Option<Vec<(Line, i64, i64)>>,
        complete: bool,
    },
    CancelTransfer {
        transfer: u8,
    },
    Reserve {
        lines: Vec<Line>,
        minutes: i64,
        id: Option<u8>,
        owner: Option<u8>,
        partial: bool,
        replace: bool,
        strategy: Option<(&'static str, Vec<u8>)>,
    },
    Confirm {
        hold: u8,
        part: Option<Vec<Line>>,
    },
    Cancel {
        hold: u8,
    },
    Expire {
        hold: u8,
    },
    Extend {
        hold: u8,
        minutes: i64,
    },
    Relocate {
        hold: u8,
        to: u8,
        from: Option<u8>,
        item: Option<u8>,
    },
    Order {
        known_supplier: bool,
        place: u8,
        lines: Vec<Line>,
    },
    /// Each line with how many damaged ones came with it.
    ReceiveOrder {
        order: u8,
        lines: Option<Vec<(Line, i64)>>,
    },
    CancelOrder {
        order: u8,
    },
    OpenCount {
        place: u8,
        items: Vec<u8>,
    },
    /// Counted as it was so many moments ago, or just now.
    CountLine {
        count: u8,
        item: u8,
        counted: i64,
        ago: Option<u8>,
        lot: u8,
    },
    Recall {
        lot: u8,
    },
    ApproveCount {
        count: u8,
    },
    CancelCount {
        count: u8,
    },
    PostCount {
        count: u8,
    },
}

/// What one session does in a history of several: a call in a transaction of its own, that is kept or taken back. Without commands it
/// sweeps.
#[derive(Clone, Debug)]
pub(crate) struct Turn {
    pub(crate) commands: Vec<Command>,
    pub(crate) keep: bool,
}

/// A part of a history of several sessions: some minutes go by, then the sessions take their turns in the order of `picks`.
#[derive(Clone, Debug)]
pub(crate) struct Phase {
    pub(crate) minutes: i64,
    pub(crate) sessions: Vec<Vec<Turn>>,
    pub(crate) picks: Vec<u8>,
}

pub(crate) const SESSIONS: usize = 4;
