//! The lanes against an executor that is told how to behave.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use onhand_db::{ErrorCode, Refusal};
use serde_json::Value;
use tokio::sync::Semaphore;

use super::{Answer, Command, Decision, ExecuteError, Executor, LaneError, Lanes, Line, Op};
use crate::config::LaneConfig;
use crate::units::Units;

/// Records the size of each batch; waits for a permit before each; fails as scripted.
struct Script {
    gate: Semaphore,
    batches: Mutex<Vec<usize>>,
    failures: Mutex<VecDeque<ExecuteError>>,
}

impl Script {
    fn new(permits: usize, failures: Vec<ExecuteError>) -> Arc<Self> {
        Arc::new(Self {
            gate: Semaphore::new(permits),
            batches: Mutex::default(),
            failures: Mutex::new(failures.into()),
        })
    }

    fn batches(&self) -> Vec<usize> {
        self.batches.lock().unwrap().clone()
    }
}

impl Executor for Script {
    async fn apply(&self, commands: &[Command]) -> Result<Vec<Decision>, ExecuteError> {
        self.gate.acquire().await.unwrap().forget();
        self.batches.lock().unwrap().push(commands.len());
        if let Some(error) = self.failures.lock().unwrap().pop_front() {
            return Err(error);
        }
        if commands.iter().any(|command| command.sku.as_deref() == Some("poison")) {
            return Err(ExecuteError::Refused("poison".into()));
        }
        Ok(commands.iter().map(decide).collect())
    }
}

fn decide(command: &Command) -> Decision {
    match command.sku.as_deref() {
        Some("unknown") => Decision::Refused(Refusal {
            code: ErrorCode::UnknownItem,
            message: "no item has this sku".into(),
            detail: Value::Null,
            hint: None,
        }),
        _ => Decision::Applied {
            answer: named(command),
            replayed: false,
        },
    }
}

/// An answer that tells which command it belongs to.
fn named(command: &Command) -> Answer {
    Answer {
        levels: Vec::new(),
        reservation_id: None,
        status: command.sku.clone(),
        expires_at: None,
    }
}

fn config() -> LaneConfig {
    LaneConfig {
        lanes: 1,
        max_batch: 4,
        queue: 8,
        max_retries: 2,
    }
}

fn add(sku: &str) -> Command {
    Command {
        sku: Some(sku.into()),
        ..Command::new(Op::Add)
    }
}

async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn what_waits_is_gathered_and_each_caller_gets_its_own_answer() {
    let script = Script::new(0, vec![]);
    let lanes = Lanes::start(&config(), Arc::clone(&script));
    let mut calls = Vec::new();
    for n in 0..6 {
        let lanes = lanes.clone();
        calls.push(tokio::spawn(async move { lanes.submit(add(&format!("s{n}"))).await }));
        tokio::task::yield_now().await;
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    script.gate.add_permits(10);
    for (n, call) in calls.into_iter().enumerate() {
        let Ok(Decision::Applied { answer, .. }) = call.await.unwrap() else {
            panic!("applied")
        };
        assert_eq!(answer.status, Some(format!("s{n}")));
    }
    assert_eq!(script.batches(), [1, 4, 1]);
}

#[tokio::test]
async fn a_refused_command_does_not_disturb_its_neighbours() {
    let lanes = Lanes::start(&config(), Script::new(100, vec![]));
    let (good, bad) = tokio::join!(lanes.submit(add("a")), lanes.submit(add("unknown")));
    assert!(matches!(good, Ok(Decision::Applied { .. })));
    assert!(matches!(bad, Ok(Decision::Refused(refusal)) if refusal.code == ErrorCode::UnknownItem));
}

#[tokio::test]
async fn a_command_that_breaks_the_call_is_isolated() {
    let script = Script::new(100, vec![]);
    let lanes = Lanes::start(&config(), Arc::clone(&script));
    let (a, poison, b) = tokio::join!(
        lanes.submit(add("a")),
        lanes.submit(add("poison")),
        lanes.submit(add("b"))
    );
    assert!(a.is_ok() && b.is_ok());
    assert_eq!(poison, Err(LaneError::Internal));
    assert_eq!(script.batches(), [3, 1, 1, 1]);
}

#[tokio::test]
async fn conflicts_and_missing_connections_are_tried_again_lost_batches_never() {
    let again = vec![
        ExecuteError::Conflict("40P01".into()),
        ExecuteError::NotSent("refused".into()),
    ];
    let script = Script::new(100, again);
    let lanes = Lanes::start(&config(), Arc::clone(&script));
    assert!(lanes.submit(add("a")).await.is_ok());
    assert_eq!(script.batches(), [1, 1, 1]);

    let script = Script::new(100, vec![ExecuteError::Lost("closed".into())]);
    let lanes = Lanes::start(&config(), Arc::clone(&script));
    assert_eq!(lanes.submit(add("a")).await, Err(LaneError::OutcomeUnknown));
    assert_eq!(script.batches(), [1]);
}

#[tokio::test]
async fn retries_end() {
    let down = || ExecuteError::NotSent("down".into());
    let script = Script::new(100, vec![down(), down(), down()]);
    let lanes = Lanes::start(&config(), Arc::clone(&script));
    assert_eq!(lanes.submit(add("a")).await, Err(LaneError::Unavailable));
    assert_eq!(script.batches().len(), 3);
}

#[tokio::test]
async fn a_full_queue_refuses_and_a_drained_lane_finishes_its_work() {
    let script = Script::new(0, vec![]);
    let config = LaneConfig { queue: 1, ..config() };
    let lanes = Lanes::start(&config, Arc::clone(&script));
    let submit = |sku: &'static str| {
        let lanes = lanes.clone();
        tokio::spawn(async move { lanes.submit(add(sku)).await })
    };
    let under_way = submit("a");
    tokio::time::sleep(Duration::from_millis(20)).await;
    let queued = submit("b");
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(lanes.submit(add("c")).await, Err(LaneError::Overloaded));

    let draining = tokio::spawn({
        let lanes = lanes.clone();
        async move { lanes.drain().await }
    });
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(lanes.submit(add("d")).await, Err(LaneError::ShuttingDown));
    script.gate.add_permits(10);
    draining.await.unwrap();
    assert!(under_way.await.unwrap().is_ok() && queued.await.unwrap().is_ok());
}

#[tokio::test]
async fn a_caller_that_left_withdraws_its_queued_command() {
    let script = Script::new(0, vec![]);
    let lanes = Lanes::start(&config(), Arc::clone(&script));
    let first = tokio::spawn({
        let lanes = lanes.clone();
        async move { lanes.submit(add("a")).await }
    });
    tokio::time::sleep(Duration::from_millis(20)).await;
    let hurried = tokio::time::timeout(Duration::from_millis(20), lanes.submit(add("b"))).await;
    assert!(hurried.is_err());
    script.gate.add_permits(10);
    assert!(first.await.unwrap().is_ok());
    assert!(lanes.submit(add("c")).await.is_ok());
    until(|| script.batches().len() == 2).await;
    assert_eq!(script.batches(), [1, 1]);
}

#[test]
fn commands_carry_only_what_was_given() {
    let command = Command {
        lines: Some(vec![Line {
            sku: "A".into(),
            location: "W".into(),
            quantity: Units(2),
        }]),
        idempotency_key: Some("k".into()),
        ..Command::new(Op::Reserve)
    };
    assert_eq!(
        serde_json::to_value(&command).unwrap(),
        serde_json::json!({"op": "reserve", "idempotency_key": "k",
            "lines": [{"sku": "A", "location": "W", "quantity": 2}]})
    );
    assert_eq!(command.affinity().0, Some("A"));
}
