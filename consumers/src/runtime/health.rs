//! What works and what does not, as the probes tell it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::retry::Breaker;
use super::sink::Warmth;

/// A worker that shows no sign of life for this long is stuck: every wait of it is shorter.
const STUCK_AFTER: Duration = Duration::from_secs(120);

/// What the worker is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Starting,
    Running,
    Retrying,
    Draining,
}

impl Phase {
    fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Retrying => "retrying",
            Self::Draining => "draining",
        }
    }
}

#[derive(Debug)]
struct State {
    phase: Phase,
    /// What is being tried again, and why.
    problem: Option<(&'static str, String)>,
    /// Number of partitions; none before the group answered.
    partitions: Option<usize>,
    kafka: Option<String>,
    sink: Option<String>,
    warmth: Warmth,
    breaker: Breaker,
    beat: Instant,
    committed: Instant,
}

/// Shared by the worker, the poll thread and the HTTP server.
#[derive(Debug)]
pub(crate) struct Health {
    sink_name: &'static str,
    state: Mutex<State>,
}

impl Health {
    pub(crate) fn new(sink_name: &'static str) -> Self {
        let now = Instant::now();
        Self {
            sink_name,
            state: Mutex::new(State {
                phase: Phase::Starting,
                problem: None,
                partitions: None,
                kafka: None,
                sink: Some("not probed yet".to_owned()),
                warmth: Warmth::Warming("not started".to_owned()),
                breaker: Breaker::Closed,
                beat: now,
                committed: now,
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The worker is alive and in this phase.
    pub(crate) fn phase(&self, phase: Phase) {
        let mut state = self.state();
        state.beat = Instant::now();
        // A shutdown is never taken back by a last retry.
        if state.phase != Phase::Draining {
            state.phase = phase;
        }
        if phase == Phase::Running {
            state.problem = None;
        }
    }

    /// The worker tries something again.
    pub(crate) fn retrying(&self, stage: &'static str, reason: &str) {
        self.phase(Phase::Retrying);
        self.state().problem = Some((stage, reason.to_owned()));
    }

    pub(crate) fn joined(&self, partitions: usize) {
        self.state().partitions = Some(partitions);
    }

    pub(crate) fn kafka(&self, problem: Option<String>) {
        self.state().kafka = problem;
    }

    pub(crate) fn sink(&self, problem: Option<String>, warmth: Warmth) {
        let mut state = self.state();
        state.sink = problem;
        state.warmth = warmth;
    }

    pub(crate) fn breaker(&self, breaker: Breaker) {
        self.state().breaker = breaker;
    }

    /// Offsets are up to date.
    pub(crate) fn committed(&self) {
        self.state().committed = Instant::now();
    }

    pub(crate) fn commit_age(&self) -> Duration {
        self.state().committed.elapsed()
    }

    /// Is the process worth keeping?
    pub(crate) fn live(&self) -> (bool, Value) {
        let state = self.state();
        let silent = state.beat.elapsed();
        let ok = silent < STUCK_AFTER;
        let body = json!({
            "status": if ok { "alive" } else { "stuck" },
            "sink": self.sink_name,
            "phase": state.phase.name(),
            "silent_seconds": silent.as_secs(),
        });
        (ok, body)
    }

    /// Is it doing its work? Names every part, so that the wrong one is seen at once.
    pub(crate) fn ready(&self) -> (bool, Value) {
        let state = self.state();
        let joined = state.partitions.is_some();
        let warm = state.warmth == Warmth::Warm;
        let working = state.phase == Phase::Running;
        let ok = joined && warm && working && state.kafka.is_none() && state.sink.is_none();
        let worker = match &state.problem {
            Some((stage, reason)) => {
                json!({"ok": false, "phase": state.phase.name(), "stage": stage, "problem": reason})
            }
            None => json!({"ok": working, "phase": state.phase.name()}),
        };
        let warmth = match &state.warmth {
            Warmth::Warm => json!({"ok": true}),
            Warmth::Warming(progress) => json!({"ok": false, "problem": progress}),
        };
        let body = json!({
            "status": if ok { "ready" } else { "not_ready" },
            "sink": self.sink_name,
            "parts": {
                "kafka": part(state.kafka.as_deref()),
                "group": {"ok": joined, "partitions": state.partitions.unwrap_or(0)},
                "sink": part(state.sink.as_deref()),
                "warm": warmth,
                "worker": worker,
                "breaker": state.breaker.name(),
            },
            "last_commit_age_seconds": state.committed.elapsed().as_secs_f64(),
        });
        (ok, body)
    }
}

fn part(problem: Option<&str>) -> Value {
    match problem {
        None => json!({"ok": true}),
        Some(problem) => json!({"ok": false, "problem": problem}),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]
    use super::*;

    fn healthy() -> Health {
        let health = Health::new("cache");
        health.phase(Phase::Running);
        health.joined(4);
        health.sink(None, Warmth::Warm);
        health
    }

    #[test]
    fn ready_needs_every_part() {
        assert!(!Health::new("cache").ready().0);
        assert!(healthy().ready().0);
        let health = healthy();
        health.kafka(Some("no broker is connected".to_owned()));
        let (ok, body) = health.ready();
        assert!(!ok);
        assert_eq!(body["parts"]["kafka"]["ok"], false);
        assert_eq!(body["parts"]["sink"]["ok"], true);
    }

    #[test]
    fn a_retry_names_its_stage_and_is_forgotten_after_success() {
        let health = healthy();
        health.retrying("decode", "schema registry is not available");
        let (ok, body) = health.ready();
        assert!(!ok);
        assert_eq!(body["parts"]["worker"]["stage"], "decode");
        health.phase(Phase::Running);
        assert!(health.ready().0);
    }

    #[test]
    fn a_draining_consumer_is_alive_and_not_ready() {
        let health = healthy();
        health.phase(Phase::Draining);
        health.phase(Phase::Running);
        assert!(!health.ready().0);
        assert!(health.live().0);
    }
}
