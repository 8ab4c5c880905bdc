//! Purchase orders and stock counts: single acts, and sequences of them that lead somewhere.

use super::commands::{item, known_place, line, place};
use super::{BY_SERIAL, Command, Line, Op};
use proptest::prelude::*;

/// The paper that was made last.
const NEWEST: u8 = 0;

/// An item that orders and counts name: units with serial numbers come and go by other commands here.
fn goods() -> impl Strategy<Value = u8> {
    item().prop_map(|item| if item == BY_SERIAL { 0 } else { item })
}

fn goods_line() -> impl Strategy<Value = Line> {
    let without_units = |line: Line| match line.item {
        BY_SERIAL => Line::of(0, line.place, line.quantity),
        _ => line,
    };
    line().prop_map(without_units)
}

fn order() -> impl Strategy<Value = Op> {
    let lines = prop::collection::vec(goods_line(), 1..=3);
    (prop::bool::weighted(0.95), place(), lines).prop_map(|(known_supplier, place, lines)| Op::Order {
        known_supplier,
        place,
        lines,
    })
}

fn delivery(order: impl Strategy<Value = u8>) -> impl Strategy<Value = Op> {
    let lines = prop::collection::vec((goods_line(), 0..3_i64), 1..=3);
    (order, prop::option::weighted(0.7, lines)).prop_map(|(order, lines)| Op::ReceiveOrder { order, lines })
}

pub(super) fn orders() -> impl Strategy<Value = Op> {
    prop_oneof![
        2 => order(),
        2 => delivery(any::<u8>()),
        1 => any::<u8>().prop_map(|order| Op::CancelOrder { order }),
    ]
}

/// What is ordered, some of it delivered, and the rest perhaps called off.
pub(super) fn supply() -> BoxedStrategy<Vec<Command>> {
    let goods = prop::collection::vec((0..3_u8, 2..=12_i64), 1..=3);
    let deliveries = prop::collection::vec((0..3_usize, 1..=8_i64, 0..3_i64), 0..=2);
    let end = prop_oneof![
        Just(None),
        Just(Some(Op::CancelOrder { order: NEWEST })),
        Just(Some(Op::ReceiveOrder {
            order: NEWEST,
            lines: None
        })),
    ];
    (goods, known_place(), deliveries, end)
        .prop_map(|(goods, place, deliveries, end)| {
            let lines: Vec<Line> = goods
                .iter()
                .map(|(item, quantity)| Line::of(*item, place, *quantity))
                .collect();
            let known_supplier = true;
            let mut ops = vec![Op::Order {
                known_supplier,
                place,
                lines,
            }];
            for (which, quantity, damaged) in deliveries {
                let (item, _) = goods[which % goods.len()];
                let lines = Some(vec![(Line::of(item, place, quantity), damaged)]);
                ops.push(Op::ReceiveOrder { order: NEWEST, lines });
            }
            ops.into_iter().chain(end).map(Command::of).collect()
        })
        .boxed()
}

fn counted(count: impl Strategy<Value = u8>, now: bool) -> impl Strategy<Value = Op> {
    let ago = if now {
        prop::option::weighted(0.6, any::<u8>()).boxed()
    } else {
        any::<u8>().prop_map(Some).boxed()
    };
    (count, goods(), 0..40_i64, ago, 0..4_u8).prop_map(|(count, item, counted, ago, lot)| Op::CountLine {
        count,
        item,
        counted,
        ago,
        lot,
    })
}

/// Posting a count; the other acts on one are no commands, see [`count_acts`].
pub(super) fn counts() -> impl Strategy<Value = Op> {
    any::<u8>().prop_map(|count| Op::PostCount { count })
}

/// Acts on counts in no order. `now`: also of what is counted at this moment.
fn count_acts(now: bool) -> impl Strategy<Value = Op> {
    let count = any::<u8>;
    let items = prop::collection::vec(goods(), 0..=3);
    prop_oneof![
        1 => (place(), items).prop_map(|(place, items)| Op::OpenCount { place, items }),
        3 => counted(count(), now),
        1 => count().prop_map(|count| Op::ApproveCount { count }),
        1 => count().prop_map(|count| Op::CancelCount { count }),
        1 => count().prop_map(|count| Op::PostCount { count }),
    ]
}

/// A count from its opening to its posting, with something else done to counts in between.
pub(super) fn count_session(now: bool) -> BoxedStrategy<Vec<Command>> {
    let lines = prop::collection::vec(counted(Just(NEWEST), now), 1..=3);
    let act = prop::option::weighted(0.5, (count_acts(now), any::<prop::sample::Index>()));
    let keys = prop::collection::vec(prop::option::weighted(0.2, 20..26_u8), 8);
    (known_place(), lines, act, keys)
        .prop_map(|(place, lines, act, keys)| {
            let items = Vec::new();
            let mut ops = vec![Op::OpenCount { place, items }];
            ops.extend(lines);
            ops.push(Op::ApproveCount { count: NEWEST });
            ops.push(Op::PostCount { count: NEWEST });
            if let Some((act, at)) = act {
                ops.insert(at.index(ops.len()), act);
            }
            let with_key = |(op, key)| Command { key, ..Command::of(op) };
            ops.into_iter().zip(keys).map(with_key).collect()
        })
        .boxed()
}
