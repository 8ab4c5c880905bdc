//! Lots: which of them a line names, and sequences in which they come, go and end.

use super::commands::known_place;
use super::{BY_LOT, Command, Line, Lot, Op};
use proptest::prelude::*;
use proptest::sample::select;

/// The reservation that was made last.
const NEWEST: u8 = 0;

/// Minutes until a lot expires. Some come in when they are over already. `ageless`: some never expire. Those that do go in the order of their
/// expiry, the others in that of their coming, which nobody knows where several sessions bring them.
fn minutes(ageless: bool) -> impl Strategy<Value = Option<i64>> {
    let some = || select(vec![0, 5, 15, 15, 30, 45, 60]).prop_map(Some);
    if ageless {
        prop_oneof![3 => some(), 1 => Just(None)].boxed()
    } else {
        some().boxed()
    }
}

pub(super) fn lot() -> impl Strategy<Value = Lot> {
    let code = select(vec![0_u8, 0, 1, 1, 2, 3, 9]);
    (code, minutes(false)).prop_map(|(code, minutes)| Lot { code, minutes })
}

pub(super) fn recall() -> impl Strategy<Value = Op> {
    select(vec![0_u8, 1, 2, 3, 9]).prop_map(|lot| Op::Recall { lot })
}

fn add(place: u8, quantity: i64, lot: Lot) -> Op {
    let line = Line {
        lot: Some(lot),
        ..Line::of(BY_LOT, place, quantity)
    };
    let (op, lines, state) = ("add", vec![line], None);
    Op::Change { op, lines, state }
}

/// Two lots come to a place, some of them is reserved, moved or sent on, one may be recalled, and what was reserved is sold or given back.
pub(super) fn lot_story(ageless: bool) -> BoxedStrategy<Vec<Command>> {
    let arrivals = prop::collection::vec((0..4_u8, 2..=10_i64, minutes(ageless)), 2);
    let on = (known_place(), 1..=6_i64, any::<bool>()).prop_map(|(to, quantity, at_once)| (to, quantity, at_once));
    let end = prop_oneof![
        2 => Just(Op::Confirm { hold: NEWEST, part: None }),
        1 => Just(Op::Cancel { hold: NEWEST }),
    ];
    (
        known_place(),
        arrivals,
        1..=12_i64,
        1..=40_i64,
        on,
        prop::option::weighted(0.4, recall()),
        end,
    )
        .prop_map(
            |(place, arrivals, quantity, minutes, (to, carried, at_once), recall, end)| {
                let mut ops: Vec<Op> = arrivals
                    .into_iter()
                    .map(|(code, quantity, minutes)| add(place, quantity, Lot { code, minutes }))
                    .collect();
                ops.push(Op::reserve(Line::of(BY_LOT, place, quantity), minutes));
                ops.push(Op::Carry {
                    op: if at_once { "move" } else { "ship" },
                    from: place,
                    to: if to == place { (place + 1) % 3 } else { to },
                    lines: vec![Line::of(BY_LOT, place, carried)],
                });
                ops.extend(recall);
                if !at_once {
                    let (transfer, lines, complete) = (NEWEST, None, false);
                    ops.push(Op::Receive {
                        transfer,
                        lines,
                        complete,
                    });
                }
                ops.push(end);
                ops.into_iter().map(Command::of).collect()
            },
        )
        .boxed()
}
