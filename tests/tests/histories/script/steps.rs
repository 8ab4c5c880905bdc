//! Steps, and the sequences of them that a history is drawn from.

use super::commands::{command, known_place};
use super::lots::lot_story;
use super::papers::{count_session, supply};
use super::serials::serial_story;
use super::{BY_SERIAL, Command, Line, Op, Phase, SESSIONS, Settings, Step, Turn};
use proptest::prelude::*;
use proptest::sample::select;

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
