//! What a history consists of, drawn at random: steps that name items, places, reservations and keys by small numbers, so that
//! a failing history can be made smaller and still means the same.

use proptest::prelude::*;
use proptest::sample::select;

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
}

#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) item: u8,
    pub(crate) place: u8,
    pub(crate) quantity: i64,
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
}

/// Items that a command may name: two plain ones, one that is backordered, a digital one, two bundles, an unknown one.
fn item() -> impl Strategy<Value = u8> {
    select(vec![
        0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 3, 4, 4, 5, 0, 1, 2, 0, 1, 2, 9,
    ])
}

fn place() -> impl Strategy<Value = u8> {
    select(vec![0, 0, 0, 0, 1, 1, 1, 2, 2, 0, 1, 0, 0, 0, 1, 1, 2, 0, 9])
}

fn known_place() -> impl Strategy<Value = u8> {
    select(vec![0, 0, 1, 1, 2])
}

fn quantity() -> impl Strategy<Value = i64> {
    prop_oneof![20 => 1..=12_i64, 1 => Just(1_000_000_000_000), 1 => Just(1_000_000_000_001)]
}

fn line() -> impl Strategy<Value = Line> {
    (item(), place(), quantity()).prop_map(|(item, place, quantity)| Line { item, place, quantity })
}

fn lines() -> impl Strategy<Value = Vec<Line>> {
    prop_oneof![3 => prop::collection::vec(line(), 1), 1 => prop::collection::vec(line(), 2..=4)]
}

fn hold() -> impl Strategy<Value = u8> {
    any::<u8>()
}

fn changes() -> impl Strategy<Value = Op> {
    let state = || select(vec![None, Some("on_hand"), Some("damaged")]);
    let plain = |op: &'static str| lines().prop_map(move |lines| Op::Change { op, lines, state: None });
    let adjust = (lines(), any::<bool>()).prop_map(|(mut lines, less)| {
        for line in &mut lines {
            line.quantity = if less { -line.quantity } else { line.quantity };
        }
        let op = "adjust";
        Op::Change { op, lines, state: None }
    });
    let stateful =
        |op: &'static str| (lines(), state()).prop_map(move |(lines, state)| Op::Change { op, lines, state });
    prop_oneof![
        24 => plain("add"),
        6 => plain("remove"),
        6 => adjust,
        3 => stateful("return"),
        4 => plain("quarantine"),
        3 => plain("restore"),
        3 => stateful("write_off"),
    ]
}

fn carriage() -> impl Strategy<Value = Op> {
    let carry = |op: &'static str| {
        (place(), place(), lines()).prop_map(move |(from, to, lines)| {
            let to = if to == from { (from + 1) % 3 } else { to };
            Op::Carry { op, from, to, lines }
        })
    };
    let counts = prop::collection::vec((line(), 0..4_i64, 0..3_i64), 1..=3);
    let receive = (any::<u8>(), prop::option::of(counts), any::<bool>());
    prop_oneof![
        3 => carry("move"),
        2 => carry("ship"),
        2 => receive.prop_map(|(transfer, lines, complete)| Op::Receive { transfer, lines, complete }),
        1 => any::<u8>().prop_map(|transfer| Op::CancelTransfer { transfer }),
    ]
}

fn reserve() -> impl Strategy<Value = Op> {
    let strategy = (
        select(vec!["priority", "nearest", "fewest_splits"]),
        prop::collection::vec(known_place(), 1..=3),
    );
    (
        lines(),
        1..=40_i64,
        prop::option::weighted(0.25, 0..12_u8),
        prop::option::weighted(0.4, 0..3_u8),
        prop::bool::weighted(0.15),
        prop::bool::weighted(0.4),
        prop::option::weighted(0.15, strategy),
    )
        .prop_map(|(lines, minutes, id, owner, partial, replace, strategy)| Op::Reserve {
            lines,
            minutes,
            id,
            owner,
            partial,
            replace: replace && owner.is_some(),
            strategy,
        })
}

fn holds() -> impl Strategy<Value = Op> {
    let part = prop::option::weighted(0.3, prop::collection::vec(line(), 1..=2));
    let relocate = (
        hold(),
        known_place(),
        prop::option::weighted(0.3, known_place()),
        prop::option::weighted(0.2, item()),
    );
    prop_oneof![
        8 => (hold(), part).prop_map(|(hold, part)| Op::Confirm { hold, part }),
        5 => hold().prop_map(|hold| Op::Cancel { hold }),
        2 => hold().prop_map(|hold| Op::Expire { hold }),
        3 => (hold(), 1..=40_i64).prop_map(|(hold, minutes)| Op::Extend { hold, minutes }),
        3 => relocate.prop_map(|(hold, to, from, item)| Op::Relocate { hold, to, from, item }),
    ]
}

pub(crate) fn command() -> impl Strategy<Value = Command> {
    let op = prop_oneof![5 => changes(), 2 => carriage(), 5 => reserve(), 4 => holds()];
    let expected = prop::option::weighted(0.1, select(vec![0_i8, 0, 0, 1, 2, -1]));
    (op, prop::option::weighted(0.25, 0..20_u8), expected).prop_map(|(op, key, expected)| Command { op, key, expected })
}

fn settings() -> impl Strategy<Value = Settings> {
    (
        0..4_u8,
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

fn step() -> impl Strategy<Value = Step> {
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
}

/// A history in one session. It begins with stock, or most commands would find none.
pub(crate) fn single() -> impl Strategy<Value = Vec<Step>> {
    let receipts = prop::collection::vec((0..3_u8, known_place(), 5..=40_i64), 3..=6).prop_map(|lines| {
        let lines = lines
            .into_iter()
            .map(|(item, place, quantity)| Line { item, place, quantity })
            .collect();
        let (op, state) = ("add", None);
        Step::Batch(vec![Command {
            op: Op::Change { op, lines, state },
            key: None,
            expected: None,
        }])
    });
    (receipts, prop::collection::vec(step(), 10..=45)).prop_map(|(first, mut steps)| {
        steps.insert(0, first);
        steps
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
    let turn = (commands, prop::bool::weighted(0.85)).prop_map(|(commands, keep)| Turn { commands, keep });
    let session = prop::collection::vec(turn, 1..=4);
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
