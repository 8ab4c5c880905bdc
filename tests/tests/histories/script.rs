//! What a history consists of, drawn at random: steps that name items, places, reservations and keys by small numbers, so that
//! a failing history can be made smaller and still means the same.

mod commands;
mod lots;
mod papers;
mod serials;

use commands::{command, known_place};
use lots::lot_story;
use papers::{count_session, supply};
use proptest::prelude::*;
use proptest::sample::select;
use serials::serial_story;

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

fn settings() -> impl Strategy<Value = Settings> {
    (
        select(vec![0_u8, 0, 1, 1, 2, 2, 3, 3, BY_SERIAL]),
        known_place(),
        prop::option::of(0..8_i64),
        prop::option::of(0..8_i64),
        select(vec![None, None, Some("deny"), Some("oversell"), Some("backorder")]),
    )
        .prop_map(|(item, place, safety_stock, reorder_point, policy)| Settings {
            item,
            place,
            safety_stock,
            reorder_point,
            policy,
        })
}

fn step() -> BoxedStrategy<Step> {
    let rare = prop_oneof![
        4 => any::<u8>().prop_map(Step::Again),
        4 => settings().prop_map(Step::Settings),
        4 => (1..30_i64).prop_map(Step::Pass),
        2 => Just(Step::Sweep),
        1 => (0..6_u8, any::<bool>()).prop_map(|(item, archived)| Step::Archive(item, archived)),
        1 => (0..3_u8, any::<bool>()).prop_map(|(place, closed)| Step::Close(place, closed)),
        1 => Just(Step::RaiseEpoch),
    ];
    prop_oneof![
        10 => command().prop_map(|command| Step::Batch(vec![command])),
        5 => prop::collection::vec(command(), 2..=6).prop_map(Step::Batch),
        6 => command().prop_map(Step::Call),
        5 => rare,
    ]
    .boxed()
}

/// A step or some that belong together, with others perhaps between them.
fn steps() -> impl Strategy<Value = Vec<Step>> {
    let calls = |commands: Vec<Command>| commands.into_iter().map(Step::Call).collect::<Vec<Step>>();
    let counted = (count_session(true), step(), any::<prop::sample::Index>()).prop_map(move |(commands, step, at)| {
        let mut steps = calls(commands);
        steps.insert(at.index(steps.len()), step);
        steps
    });
    prop_oneof![
        24 => step().prop_map(|step| vec![step]),
        1 => counted,
        2 => supply().prop_map(calls),
        3 => lot_story(true).prop_map(calls),
        3 => serial_story().prop_map(calls),
    ]
}

/// A history in one session. It begins with stock, or most commands would find none.
pub(crate) fn single() -> impl Strategy<Value = Vec<Step>> {
    (first_receipts(), prop::collection::vec(steps(), 10..=40)).prop_map(|(first, steps)| {
        std::iter::once(Step::Batch(vec![first]))
            .chain(steps.into_iter().flatten())
            .collect()
    })
}

fn first_receipts() -> impl Strategy<Value = Command> {
    prop::collection::vec((0..3_u8, known_place(), 5..=40_i64), 3..=6).prop_map(|lines| {
        let lines = lines
            .into_iter()
            .map(|(item, place, quantity)| Line::of(item, place, quantity))
            .collect();
        let (op, state) = ("add", None);
        Command::of(Op::Change { op, lines, state })
    })
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

/// A history in several sessions.
pub(crate) fn several() -> impl Strategy<Value = Vec<Phase>> {
    let commands = prop_oneof![
        10 => prop::collection::vec(command(), 1),
        5 => prop::collection::vec(command(), 2..=4),
        1 => Just(Vec::new()),
    ];
    let turn = || (commands.clone(), prop::bool::weighted(0.85)).prop_map(|(commands, keep)| Turn { commands, keep });
    // What belongs together comes one by one.
    let turns = |commands: Vec<Command>| {
        let turn = |command| Turn {
            commands: vec![command],
            keep: true,
        };
        commands.into_iter().map(turn).collect::<Vec<Turn>>()
    };
    let session = prop_oneof![
        12 => prop::collection::vec(turn(), 1..=4),
        2 => count_session(false).prop_map(turns),
        1 => supply().prop_map(turns),
        2 => lot_story(false).prop_map(turns),
        2 => serial_story().prop_map(turns),
    ];
    let phase = (
        0..25_i64,
        prop::collection::vec(session, SESSIONS),
        prop::collection::vec(any::<u8>(), 40),
    )
        .prop_map(|(minutes, sessions, picks)| Phase {
            minutes,
            sessions,
            picks,
        });
    prop::collection::vec(phase, 1..=3)
}
