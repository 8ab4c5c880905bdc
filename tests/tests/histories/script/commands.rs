//! Single commands of every operation.

use super::lots::{lot, recall};
use super::papers::{counts, orders};
use super::serials::units;
use super::{BY_LOT, BY_SERIAL, Command, Line, Op};
use proptest::prelude::*;
use proptest::sample::select;

/// Items that a command may name: two plain ones, one that is backordered, a digital one, two bundles, one with lots, one with serial
/// numbers, an unknown one.
pub(super) fn item() -> impl Strategy<Value = u8> {
    select(vec![
        0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 3, 4, 4, 5, 6, 6, 6, 7, 7, 7, 0, 1, 2, 0, 1, 2, 9,
    ])
}

pub(super) fn place() -> impl Strategy<Value = u8> {
    select(vec![0, 0, 0, 0, 1, 1, 1, 2, 2, 0, 1, 0, 0, 0, 1, 1, 2, 0, 9])
}

pub(super) fn known_place() -> impl Strategy<Value = u8> {
    select(vec![0, 0, 1, 1, 2])
}

fn quantity() -> impl Strategy<Value = i64> {
    prop_oneof![20 => 1..=12_i64, 1 => Just(1_000_000_000_000), 1 => Just(1_000_000_000_001)]
}

/// Boxed, as what is made of many parts is here: all of its parts would stand on the stack, several times over.
pub(super) fn line() -> BoxedStrategy<Line> {
    let unit = prop::option::weighted(0.08, select(vec!["CASE", "CASE", "PALLET"]));
    let lot = prop::option::weighted(0.5, lot());
    (item(), place(), quantity(), unit, lot, units())
        .prop_map(|(item, place, quantity, unit, lot, units)| {
            let serials = if item == BY_SERIAL { units } else { Vec::new() };
            let quantity = match i64::try_from(serials.len()) {
                Ok(count @ 1..) => count,
                _ => quantity,
            };
            Line {
                unit,
                lot: lot.filter(|_| item == BY_LOT),
                serials,
                ..Line::of(item, place, quantity)
            }
        })
        .boxed()
}

pub(super) fn lines() -> impl Strategy<Value = Vec<Line>> {
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

fn other() -> impl Strategy<Value = Op> {
    prop_oneof![counts(), recall()]
}

pub(super) fn command() -> BoxedStrategy<Command> {
    let op = prop_oneof![5 => changes(), 2 => carriage(), 5 => reserve(), 4 => holds(), 1 => orders(), 1 => other()];
    let expected = prop::option::weighted(0.1, select(vec![0_i8, 0, 0, 1, 2, -1]));
    let late = prop::option::weighted(0.1, any::<u8>());
    (op, prop::option::weighted(0.25, 0..20_u8), expected, late)
        .prop_map(|(op, key, expected, late)| Command {
            op,
            key,
            expected,
            late,
        })
        .boxed()
}
