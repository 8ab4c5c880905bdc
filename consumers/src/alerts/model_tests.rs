//! The state machine against histories at random.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn rule(kind: LevelKind, item: Option<u128>, location: Option<&str>, threshold: i64, margin: Option<i64>) -> LevelRule {
    LevelRule {
        kind: kind.name().to_owned(),
        item_id: item.map(Uuid::from_u128),
        location: location.map(str::to_owned),
        enabled: true,
        threshold: Some(threshold),
        margin,
        severity: None,
    }
}

fn level() -> Judged {
    Judged {
        item_id: Uuid::from_u128(1),
        location: "W1".to_owned(),
        archived: false,
        version: 0,
        available: 0,
        safety_stock: 0,
        reorder_point: 0,
        unlimited: false,
        stocked: false,
        open: BTreeSet::new(),
    }
}

fn figures(version: i64, available: i64) -> Figures {
    Figures {
        version,
        on_hand: available.max(0),
        available,
        safety_stock: 2,
        reorder_point: 10,
        unlimited: false,
        deleted: false,
    }
}

fn turns(edges: &[Edge]) -> Vec<(LevelKind, Turn)> {
    edges.iter().map(|edge| (edge.kind, edge.turn)).collect()
}

fn defaults() -> Rules {
    Rules::new(Vec::new(), 0)
}

#[test]
fn f10_stock_that_comes_in_while_all_is_allocated_is_an_edge() {
    let (mut level, rules) = (level(), defaults());
    assert_eq!(level.take(&figures(1, 20), &rules).unwrap(), []);
    // All is allocated: nothing is available, though everything is on hand.
    let allocated = Figures {
        on_hand: 20,
        ..figures(2, 0)
    };
    assert_eq!(
        turns(&level.take(&allocated, &rules).unwrap()),
        LevelKind::ALL.map(|kind| (kind, Turn::Opened))
    );
    let added = Figures {
        on_hand: 31,
        ..figures(3, 11)
    };
    assert_eq!(
        turns(&level.take(&added, &rules).unwrap()),
        LevelKind::ALL.map(|kind| (kind, Turn::Resolved))
    );
}

#[test]
fn between_its_two_lines_an_alert_stays_as_it_is() {
    let rules = Rules::new(vec![rule(LevelKind::ReorderPoint, None, None, 10, Some(5))], 0);
    let mut level = level();
    level.take(&figures(1, 15), &rules).unwrap();
    assert!(!level.open.contains(&LevelKind::ReorderPoint), "15 is not low");
    level.take(&figures(2, 10), &rules).unwrap();
    assert!(level.open.contains(&LevelKind::ReorderPoint), "10 is");
    level.take(&figures(3, 15), &rules).unwrap();
    assert!(
        level.open.contains(&LevelKind::ReorderPoint),
        "15 is not enough any more"
    );
    level.take(&figures(4, 16), &rules).unwrap();
    assert!(!level.open.contains(&LevelKind::ReorderPoint), "16 is");
    // Without a rule the margin is a part of the threshold, rounded up.
    let rules = Rules::new(Vec::new(), 15);
    let line = rules.line(LevelKind::ReorderPoint, &level).unwrap();
    assert_eq!((line.threshold, line.margin), (10, 2));
}

#[test]
fn the_most_specific_rule_is_in_force_alone() {
    let kind = LevelKind::ReorderPoint;
    let mut rules = vec![
        rule(kind, None, None, 1, Some(9)),
        rule(kind, None, Some("W1"), 2, None),
        rule(kind, Some(1), None, 3, None),
        rule(kind, Some(1), Some("W1"), 4, None),
        rule(kind, Some(2), Some("W1"), 99, None),
        rule(kind, Some(1), Some("W2"), 98, None),
        rule(LevelKind::SafetyStock, Some(1), Some("W1"), 97, None),
    ];
    let level = level();
    for expected in [4, 3, 2, 1] {
        let line = Rules::new(rules.clone(), 0).line(kind, &level).unwrap();
        assert_eq!(line.threshold, expected);
        assert_eq!(line.margin, if expected == 1 { 9 } else { 0 }, "nothing is inherited");
        let found = rules.iter().position(|rule| rule.threshold == Some(expected)).unwrap();
        rules.remove(found);
    }
    assert_eq!(
        Rules::new(rules, 0).line(kind, &level),
        None,
        "the level itself has no reorder point"
    );
}

#[test]
fn what_never_had_stock_does_not_run_out_unless_it_is_planned_or_asked_for() {
    let bare = Figures {
        safety_stock: 0,
        reorder_point: 0,
        ..figures(1, 0)
    };
    let mut level = level();
    assert_eq!(level.take(&bare, &defaults()).unwrap(), []);
    let asked = Rules::new(
        vec![LevelRule {
            threshold: None,
            ..rule(LevelKind::OutOfStock, None, None, 0, None)
        }],
        0,
    );
    assert_eq!(turns(&level.judge(&asked)), [(LevelKind::OutOfStock, Turn::Opened)]);
    assert_eq!(
        turns(&level.judge(&defaults())),
        [(LevelKind::OutOfStock, Turn::Resolved)]
    );
    level.take(
        &Figures {
            on_hand: 5,
            available: 5,
            version: 2,
            ..bare
        },
        &defaults(),
    );
    let sold = level.take(&Figures { version: 3, ..bare }, &defaults()).unwrap();
    assert_eq!(turns(&sold), [(LevelKind::OutOfStock, Turn::Opened)]);
}

#[test]
fn what_is_switched_off_unlimited_deleted_or_archived_resolves() {
    let all = LevelKind::ALL.map(|kind| (kind, Turn::Resolved));
    let low = || {
        let mut level = level();
        assert_eq!(level.take(&figures(5, 0), &defaults()).unwrap().len(), 3);
        level
    };
    let off = LevelKind::ALL.map(|kind| LevelRule {
        enabled: false,
        ..rule(kind, None, None, 0, None)
    });
    assert_eq!(turns(&low().judge(&Rules::new(off.to_vec(), 0))), all);
    let unlimited = Figures {
        unlimited: true,
        ..figures(6, 0)
    };
    assert_eq!(turns(&low().take(&unlimited, &defaults()).unwrap()), all);
    let mut archived = low();
    archived.archived = true;
    assert_eq!(turns(&archived.judge(&defaults())), all);
    // A delete carries the version of the row that it deleted; the row itself, late, does not bring it back.
    let deleted = Figures {
        unlimited: true,
        deleted: true,
        ..figures(5, 0)
    };
    let mut level = low();
    assert_eq!(turns(&level.take(&deleted, &defaults()).unwrap()), all);
    assert_eq!(level.take(&figures(5, 0), &defaults()), None);
}

/// What a test knows of an alert: its two lines, written down apart from the rules.
const LINES: [(LevelKind, i64, i64); 3] = [
    (LevelKind::OutOfStock, 0, 1),
    (LevelKind::SafetyStock, 4, 3),
    (LevelKind::ReorderPoint, 10, 5),
];

fn lines() -> Rules {
    let rules = LINES.map(|(kind, threshold, margin)| rule(kind, None, None, threshold, Some(margin)));
    Rules::new(rules.to_vec(), 50)
}

/// Delivers events and gives the edges of each kind.
fn deliver(level: &mut Judged, events: &[(i64, i64)]) -> BTreeMap<LevelKind, Vec<Edge>> {
    let rules = lines();
    let mut edges: BTreeMap<LevelKind, Vec<Edge>> = BTreeMap::new();
    for (version, available) in events {
        for edge in level.take(&figures(*version, *available), &rules).unwrap_or_default() {
            edges.entry(edge.kind).or_default().push(edge);
        }
    }
    edges
}

/// The edges that a history has, worked out from the words of the specification: below the lower line it is open, above
/// the upper one it is not, and between them it is what it was.
fn expected(history: &[(i64, i64)], (_, threshold, margin): (LevelKind, i64, i64)) -> Vec<(Turn, i64)> {
    let mut edges = Vec::new();
    let sides = history.iter().filter_map(|(version, available)| match *available {
        low if low <= threshold => Some((Turn::Opened, *version)),
        high if high > threshold + margin => Some((Turn::Resolved, *version)),
        _ => None,
    });
    let mut last = Turn::Resolved;
    for (side, version) in sides {
        if side != last {
            edges.push((side, version));
        }
        last = side;
    }
    edges
}

fn history() -> impl Strategy<Value = Vec<(i64, i64)>> {
    // Versions only grow, but not always by one: a restore makes them jump.
    prop::collection::vec((1_i64..4, -3_i64..20), 1..60).prop_map(|steps| {
        let mut version = 0;
        steps
            .into_iter()
            .map(|(step, available)| {
                version += step;
                (version, available)
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn f10_every_edge_of_available_is_told_and_nothing_else(history in history()) {
        let edges = deliver(&mut level(), &history);
        for line in LINES {
            let told: Vec<(Turn, i64)> =
                edges.get(&line.0).into_iter().flatten().map(|edge| (edge.turn, edge.version)).collect();
            prop_assert_eq!(told, expected(&history, line), "{:?}", line.0);
        }
    }

    /// As Kafka repeats records after a restart: from some earlier place on, in their order, again and again.
    #[test]
    fn f10_records_that_come_again_change_nothing(history in history(), restarts in prop::collection::vec((0_usize..60, 0_usize..60), 0..8)) {
        let mut repeated = Vec::new();
        let mut done = 0;
        for (upto, back) in restarts {
            let upto = done.max(upto.min(history.len()));
            repeated.extend_from_slice(&history[done.saturating_sub(back)..upto]);
            done = upto;
        }
        repeated.extend_from_slice(&history[done..]);
        let (mut once, mut again) = (level(), level());
        prop_assert_eq!(deliver(&mut once, &history), deliver(&mut again, &repeated));
        prop_assert_eq!(&once, &again);
        prop_assert!(deliver(&mut again, &history).is_empty());
    }

    /// Delivered in any order, and any of it again: edges only go forward, each is the opposite of the one before, and the end
    /// is what the newest version says.
    #[test]
    fn f10_no_order_of_delivery_fires_twice_or_backwards(
        history in history(),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 0..150),
    ) {
        let mut shuffled: Vec<(i64, i64)> = picks.iter().map(|pick| *pick.get(&history)).collect();
        shuffled.extend(history.iter().rev());
        let mut level = level();
        let edges = deliver(&mut level, &shuffled);
        let (newest, available) = *history.last().unwrap();
        prop_assert_eq!((level.version, level.available), (newest, available));
        for (kind, threshold, margin) in LINES {
            let told = edges.get(&kind).map(Vec::as_slice).unwrap_or_default();
            let mut next = Turn::Opened;
            for edge in told {
                prop_assert_eq!(edge.turn, next);
                next = if next == Turn::Opened { Turn::Resolved } else { Turn::Opened };
            }
            prop_assert!(told.windows(2).all(|pair| pair[0].version < pair[1].version));
            let open = level.open.contains(&kind);
            prop_assert!(available > threshold || open, "{kind:?} is not open at {available}");
            prop_assert!(available <= threshold + margin || !open, "{kind:?} is open at {available}");
        }
    }
}
