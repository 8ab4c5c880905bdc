//! Units with serial numbers: which of them a line names, and sequences in which they come, go and come back.

use super::commands::known_place;
use super::{BY_SERIAL, Command, Line, Op};
use proptest::prelude::*;
use proptest::sample::select;

/// The reservation or transfer that was made last.
const NEWEST: u8 = 0;
/// So many serial numbers there are, few enough that some come twice.
const UNITS: u8 = 16;

/// What a line says of units: mostly as many as it wants, now and then none or one twice.
pub(super) fn units() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        9 => prop::collection::btree_set(0..UNITS, 1..=3).prop_map(|units| units.into_iter().collect()),
        1 => prop::collection::vec(0..3_u8, 1..=3),
        1 => Just(Vec::new()),
    ]
}

/// A line that names these units, or wants as many without naming them.
fn line(place: u8, units: &[u8], named: bool) -> Line {
    let quantity = i64::try_from(units.len()).unwrap_or(1);
    Line {
        serials: if named { units.to_vec() } else { Vec::new() },
        ..Line::of(BY_SERIAL, place, quantity)
    }
}

fn change(op: &'static str, lines: Vec<Line>, state: Option<&'static str>) -> Op {
    Op::Change { op, lines, state }
}

/// What becomes of the units of a story.
#[derive(Clone, Debug)]
struct Story {
    place: u8,
    to: u8,
    first: u8,
    /// How many come, are reserved and are carried on.
    counts: (usize, usize, usize),
    minutes: i64,
    /// Whether the reservation, the sale and the arrival name their units.
    named: (bool, bool, bool),
    at_once: bool,
    /// What came damaged and what was lost on the way.
    harm: (i64, i64),
    sold: bool,
    back: &'static str,
}

/// Units come to a place, some of them are reserved, others are moved or sent on, and what was reserved is sold or given back. In the end
/// one that came is told to be back, broken, mended or gone.
pub(super) fn serial_story() -> BoxedStrategy<Vec<Command>> {
    let back = select(vec![
        "return",
        "add",
        "adjust",
        "quarantine",
        "restore",
        "write_off",
        "remove",
    ]);
    let ends = (any::<bool>(), (0..2_i64, 0..2_i64), prop::bool::weighted(0.7), back);
    (
        (known_place(), known_place(), 0..UNITS),
        (2..=5_usize, 1..=3_usize, 1..=2_usize),
        1..=40_i64,
        any::<(bool, bool, bool)>(),
        ends,
    )
        .prop_map(
            |((place, to, first), counts, minutes, named, (at_once, harm, sold, back))| Story {
                place,
                to: if to == place { (place + 1) % 3 } else { to },
                first,
                counts,
                minutes,
                named,
                at_once,
                harm,
                sold,
                back,
            },
        )
        .prop_map(|story| story.ops().into_iter().map(Command::of).collect())
        .boxed()
}

impl Story {
    fn ops(&self) -> Vec<Op> {
        let (come, held, carried) = self.counts;
        let units: Vec<u8> = (0..UNITS).map(|step| (self.first + step) % UNITS).take(come).collect();
        let (names_held, names_sold, names_arrived) = self.named;
        let reserved = &units[..held.min(come)];
        let on: Vec<u8> = units.iter().rev().take(carried).copied().collect();
        let mut ops = vec![
            change("add", vec![line(self.place, &units, true)], None),
            Op::reserve(line(self.place, reserved, names_held), self.minutes),
            Op::Carry {
                op: if self.at_once { "move" } else { "ship" },
                from: self.place,
                to: self.to,
                lines: vec![line(self.place, &on, true)],
            },
        ];
        if !self.at_once {
            let (damaged, lost) = self.harm;
            let arrived = vec![(line(self.to, &on, true), damaged, lost)];
            ops.push(Op::Receive {
                transfer: NEWEST,
                lines: names_arrived.then_some(arrived),
                complete: false,
            });
        }
        ops.push(if self.sold {
            let part = names_sold.then(|| vec![line(self.place, reserved, true)]);
            Op::Confirm { hold: NEWEST, part }
        } else {
            Op::Cancel { hold: NEWEST }
        });
        ops.push(change(self.back, vec![line(self.place, &units[..1], true)], None));
        ops
    }
}
