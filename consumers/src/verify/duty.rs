//! The verification as a duty that never ends, and the alarm when it is itself late.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use onhand_cdc::error_chain;
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Options, Targets, Verifier, VerifyConfig, VerifyError, metrics};
use crate::ConsumerError;
use crate::runtime::server::{self, Probes};

/// How often the age of the last complete run is looked at.
const WATCH: Duration = Duration::from_secs(1);
/// Movements that one run compares: a second of Postgres. Ten millions of them are compared in fifty runs.
const MOVEMENTS: u64 = 200_000;
/// Differences of one run that are logged one by one.
const LOGGED: usize = 100;

/// Compares and repairs at an interval until the token is cancelled.
///
/// # Errors
/// [`ConsumerError`] if a setting cannot work or the address is taken. That a store cannot be read is no end: it makes the next run
/// late.
pub async fn run(targets: Targets, config: VerifyConfig, token: CancellationToken) -> Result<(), ConsumerError> {
    config.validate()?;
    crate::runtime::metrics::handle();
    metrics::register();
    let verifier = Verifier::new(&targets).map_err(|error| ConsumerError::Verify(error.to_string()))?;
    let state = Arc::new(State::new(config.late_after()));
    let listener = server::bind(config.metrics_listen).await?;
    let serving = tokio::spawn(server::serve(listener, Arc::clone(&state), token.clone()));
    let watching = tokio::spawn(watch(Arc::clone(&state), token.clone()));
    tokio::select! {
        () = token.cancelled() => {}
        () = work(&verifier, &config, &state) => {}
    }
    for duty in [serving, watching] {
        // Both end with the token.
        let _ = duty.await;
    }
    Ok(())
}

impl Probes for State {
    /// A late run is no reason to restart the process: that would only make it later.
    fn live(&self) -> (bool, Value) {
        (true, json!({"status": "alive", "role": "verify"}))
    }

    /// Ready as long as it is not late. Differences are no reason to stop it: they have an alarm of their own.
    fn ready(&self) -> (bool, Value) {
        let (age, late) = self.age();
        let inner = self.lock();
        let body = json!({
            "status": if late { "late" } else { "ready" },
            "role": "verify",
            "running": inner.running,
            "last_complete_at": inner.completed_at.map(|at| at.to_string()),
            "age_seconds": age.as_secs_f64(),
            "late_after_seconds": self.late_after.as_secs_f64(),
            "differences_left": inner.left,
            "problem": inner.problem,
        });
        (!late, body)
    }
}

async fn work(verifier: &Verifier, config: &VerifyConfig, state: &State) {
    let mut timer = tokio::time::interval(config.interval());
    timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut turn = 0_u8;
    loop {
        timer.tick().await;
        turn = turn.wrapping_add(1);
        let options = Options {
            wait: config.wait(),
            repair: config.repair,
            page_items: config.page_items,
            duty_percent: config.duty_percent,
            turn: Some(turn),
            movements: Some(MOVEMENTS),
            keep: LOGGED,
        };
        state.begin();
        let ended = verifier.verify(&options).await;
        match &ended {
            Ok(report) => metrics::ended(report),
            Err(error) => metrics::failed(&error_chain(error)),
        }
        state.end(ended.map(|report| (report.is_complete(), report.left())));
    }
}

/// Says once that the verification is late, and once that it is not any more.
async fn watch(state: Arc<State>, token: CancellationToken) {
    let mut was_late = false;
    loop {
        let (age, late) = state.age();
        metrics::age(age, late);
        if late && !was_late {
            let problem = state.lock().problem.clone();
            tracing::error!(age_seconds = age.as_secs(), problem, "verification is late");
        } else if was_late && !late {
            tracing::info!("verification is in time again");
        }
        was_late = late;
        tokio::select! {
            () = token.cancelled() => return,
            () = tokio::time::sleep(WATCH) => {}
        }
    }
}

/// What the probes tell.
#[derive(Debug)]
pub(super) struct State {
    late_after: Duration,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// The last complete run, or the start of the process.
    complete: Instant,
    completed_at: Option<Timestamp>,
    running: bool,
    /// Why the last run was not complete.
    problem: String,
    left: u64,
}

impl State {
    fn new(late_after: Duration) -> Self {
        Self {
            late_after,
            inner: Mutex::new(Inner {
                complete: Instant::now(),
                completed_at: None,
                running: false,
                problem: String::new(),
                left: 0,
            }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self) {
        self.lock().running = true;
    }

    /// A run ended: complete or not and with how many differences left, or failed.
    fn end(&self, ended: Result<(bool, u64), VerifyError>) {
        let mut inner = self.lock();
        inner.running = false;
        match ended {
            Ok((true, left)) => {
                let now = Timestamp::now();
                inner.complete = Instant::now();
                inner.completed_at = Some(now);
                inner.left = left;
                inner.problem.clear();
                metrics::complete(now);
            }
            Ok((false, left)) => {
                inner.left = left;
                "a read model is behind".clone_into(&mut inner.problem);
            }
            Err(error) => inner.problem = error_chain(&error),
        }
    }

    fn age(&self) -> (Duration, bool) {
        let age = self.lock().complete.elapsed();
        (age, age > self.late_after)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]
    use super::*;

    #[tokio::test]
    async fn it_is_late_when_no_run_was_complete_for_too_long() {
        let state = State::new(Duration::from_secs(1));
        assert!(state.ready().0, "a start is no run that is late");
        tokio::time::sleep(Duration::from_millis(600)).await;
        // A run that ended without knowing everything does not count.
        state.end(Ok((false, 0)));
        tokio::time::sleep(Duration::from_millis(600)).await;
        let (ok, body) = state.ready();
        assert!(!ok);
        assert_eq!(
            (&body["status"], &body["problem"]),
            (&json!("late"), &json!("a read model is behind"))
        );
        state.end(Ok((true, 3)));
        let (ok, body) = state.ready();
        assert!(ok);
        assert_eq!((&body["differences_left"], &body["problem"]), (&json!(3), &json!("")));
    }
}
