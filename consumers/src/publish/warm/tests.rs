//! The settings that movements are judged by, whatever order and company they come in.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use onhand_cdc::Source;
use onhand_db::DatabaseConfig;
use proptest::prelude::*;
use serde_json::json;

use super::super::model::testing::movement;
use super::*;
use crate::runtime::Record;

/// One level: what was done at each of its versions, from 1 on.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// Takes a unit, so the settings matter.
    Take,
    /// Adds a unit.
    Add,
    /// Sets the reorder point.
    Set(i64),
}

fn settings(reorder_point: i64) -> Settings {
    Settings::new(0, reorder_point, "deny")
}

/// The reorder point that a version leaves.
fn then(steps: &[Step], version: usize) -> i64 {
    let set = |step: &Step| match step {
        Step::Set(point) => Some(*point),
        _ => None,
    };
    steps[..version].iter().rev().find_map(set).unwrap_or(0)
}

fn event(steps: &[Step], version: usize, op: Operation) -> Event {
    let number = i64::try_from(version).unwrap();
    let row = match steps[version - 1] {
        Step::Take => movement("removal", number, (-1, 0), (50, 0)),
        Step::Add => movement("receipt", number, (1, 0), (50, 0)),
        Step::Set(point) => {
            let before = then(steps, version - 1);
            let detail = json!({
                "safety_stock": 0, "reorder_point": point, "policy": "deny",
                "before": {"safety_stock": 0, "reorder_point": before, "policy": "deny"}
            });
            StockMovementRow {
                detail: Some(detail.to_string()),
                ..movement("policy", number, (0, 0), (50, 0))
            }
        }
    };
    Event {
        record: Record::new("onhand.inventory.stock_movement", 0, 0),
        change: Change::StockMovement(Box::new(Envelope {
            before: None,
            after: Some(row),
            source: Source {
                ts_ms: 5,
                ts_us: None,
                lsn: None,
                tx_id: None,
                snapshot: None,
            },
            op,
            ts_ms: None,
            transaction: None,
        })),
    }
}

fn tables(config: &PublishConfig) -> Tables {
    Tables::new(RowSource::new(&DatabaseConfig::default()).unwrap(), config)
}

/// What Postgres answers: settings at the version that is asked for, and the newest version.
fn answers(steps: &[Step], keys: &[LevelKey]) -> Vec<LevelThen> {
    keys.iter()
        .map(|key| LevelThen {
            item_id: key.item_id,
            location_id: key.location_id.clone(),
            asked: key.version,
            current: RowVersion::new(i64::try_from(steps.len()).unwrap()),
            safety_stock: 0,
            reorder_point: then(steps, usize::try_from(key.version.get()).unwrap()),
            policy: "deny".to_owned(),
        })
        .collect()
}

/// Runs one part of a batch and answers what it gathered, and how many levels were read for it.
fn part(tables: &mut Tables, steps: &[Step], events: &[Event]) -> (HashMap<usize, (Settings, Settings)>, usize) {
    let events: Vec<&Event> = events.iter().collect();
    let keys = tables.levels_to_read(&events);
    let mut gathered = Gathered::default();
    tables.settle(&events, &answers(steps, &keys), &mut gathered);
    let found = gathered.settings.clone();
    tables.learn(gathered);
    (found, keys.len())
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![3 => Just(Step::Take), 1 => Just(Step::Add), 1 => (0_i64..100).prop_map(Step::Set)]
}

#[tokio::test]
async fn a_level_is_read_once_while_none_of_its_movements_is_missed() {
    let steps = [
        Step::Take,
        Step::Add,
        Step::Set(7),
        Step::Take,
        Step::Add,
        Step::Take,
        Step::Take,
    ];
    let mut tables = tables(&PublishConfig::default());
    let events = |versions: &[usize]| -> Vec<Event> {
        versions
            .iter()
            .map(|version| event(&steps, *version, Operation::Create))
            .collect()
    };
    let (found, reads) = part(&mut tables, &steps, &events(&[1, 2, 3, 4]));
    assert_eq!(reads, 1);
    assert_eq!(found[&2], (settings(0), settings(7)));
    assert_eq!(found[&3], (settings(7), settings(7)));
    assert!(!found.contains_key(&1), "units that come make no stock low");
    let (_, reads) = part(&mut tables, &steps, &events(&[5, 6]));
    assert_eq!(reads, 0);
    let (_, reads) = part(&mut tables, &steps, &events(&[1]));
    assert_eq!(reads, 1, "it may have been set since");
}

#[tokio::test]
async fn after_a_gap_the_level_is_read_again() {
    let steps = [Step::Take, Step::Set(9), Step::Take];
    let mut tables = tables(&PublishConfig::default());
    part(&mut tables, &steps, &[event(&steps, 1, Operation::Create)]);
    let (found, reads) = part(&mut tables, &steps, &[event(&steps, 3, Operation::Create)]);
    assert_eq!(reads, 1);
    assert_eq!(found[&0], (settings(9), settings(9)));
}

#[tokio::test]
async fn what_a_snapshot_read_asks_for_the_present_version_and_judges_nothing() {
    let steps = [Step::Set(5), Step::Take];
    let mut tables = tables(&PublishConfig::default());
    let (found, reads) = part(&mut tables, &steps, &[event(&steps, 1, Operation::Read)]);
    assert_eq!((found.len(), reads), (0, 1));
}

#[tokio::test]
async fn without_low_stock_contracts_no_level_is_read() {
    let config = PublishConfig {
        outputs: [super::super::config::Output::StockEvents].into(),
        ..PublishConfig::default()
    };
    let steps = [Step::Take, Step::Set(3)];
    let events: Vec<Event> = (1..=2)
        .map(|version| event(&steps, version, Operation::Create))
        .collect();
    let (found, reads) = part(&mut tables(&config), &steps, &events);
    assert_eq!((found.len(), reads), (0, 0));
}

proptest! {
    /// Parts of any size, in any order, some of them twice and some never: each movement is judged by the settings that
    /// were in force when it was written.
    #[test]
    fn a_movement_is_judged_by_the_settings_of_its_time(
        steps in prop::collection::vec(step(), 1..30),
        parts in prop::collection::vec((0_usize..30, 1_usize..8), 1..20),
        small in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let _guard = runtime.enter();
        let config = PublishConfig {
            // Forgets a level as soon as there is another one.
            level_table_bytes: if small { 1 } else { 1_000_000 },
            ..PublishConfig::default()
        };
        let mut tables = tables(&config);
        for (first, count) in parts {
            let versions: Vec<usize> = (first + 1..).take(count).filter(|version| *version <= steps.len()).collect();
            let events: Vec<Event> = versions.iter().map(|version| event(&steps, *version, Operation::Create)).collect();
            let (found, _) = part(&mut tables, &steps, &events);
            for (index, version) in versions.iter().enumerate() {
                let expected = (settings(then(&steps, version - 1)), settings(then(&steps, *version)));
                match (steps[version - 1], found.get(&index)) {
                    (Step::Add, found) => prop_assert!(found.is_none()),
                    (_, found) => prop_assert_eq!(found, Some(&expected), "version {}", version),
                }
            }
        }
    }
}
