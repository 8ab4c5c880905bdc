//! The write lanes: every stock and reservation write of this process goes through here.
//!
//! A request becomes a [`Command`]; a lane takes whatever commands wait at that moment, sends them
//! as one call of `api.apply_commands`, and answers each caller with the decision on its own
//! command. There is no fixed wait: a lone command leaves at once, and while one batch is under way
//! the next one gathers. Invariants:
//! - A caller hears of success only after the commit.
//! - A queue is bounded; the command that does not fit is refused at once.
//! - A batch whose outcome is unknown is never sent again by us; its callers are told so.
//! - A command that makes a whole call fail is found by sending its neighbours on their own.

mod command;
mod worker;

#[cfg(test)]
mod tests;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::config::LaneConfig;
use crate::metrics;
pub(crate) use command::{Answer, Command, Decision, Level, Line, Op};
use worker::Worker;

/// Sends batches to the database.
pub(crate) trait Executor: Send + Sync + 'static {
    /// Applies the commands in one transaction; one decision for each, in the same order.
    fn apply(&self, commands: &[Command]) -> impl Future<Output = Result<Vec<Decision>, ExecuteError>> + Send;
}

/// Why a whole call failed. What decides is whether it may have taken effect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ExecuteError {
    /// Nothing was sent.
    #[error("no connection: {0}")]
    NotSent(String),
    /// Rolled back because of a deadlock or a serialization failure.
    #[error("rolled back to be tried again: {0}")]
    Conflict(String),
    /// Rolled back because a lock or the statement took too long.
    #[error("rolled back after a time-out: {0}")]
    Busy(String),
    /// Rolled back because the call itself was refused.
    #[error("rolled back: {0}")]
    Refused(String),
    /// The connection broke, or no answer came, after the call was sent.
    #[error("outcome unknown: {0}")]
    Lost(String),
}

/// Why a command got no decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LaneError {
    /// The queue is full, or a lock was not free in time. Nothing was changed.
    Overloaded,
    /// The process is shutting down. Nothing was changed.
    ShuttingDown,
    /// The database could not be reached. Nothing was changed.
    Unavailable,
    /// The connection broke while the command was under way. It may have been applied.
    OutcomeUnknown,
    /// The call failed for a reason that should not exist. Nothing was changed.
    Internal,
}

/// A command that waits, and who waits for it.
#[derive(Debug)]
struct Job {
    command: Command,
    queued_at: Instant,
    reply: oneshot::Sender<Result<Decision, LaneError>>,
}

/// The entrance to the lanes; cheap to share.
#[derive(Debug, Clone)]
pub(crate) struct Lanes {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// Emptied on shutdown, which lets the workers finish what is queued and end.
    senders: Mutex<Vec<mpsc::Sender<Job>>>,
    workers: Mutex<Vec<JoinHandle<()>>>,
}

impl Lanes {
    /// Starts the lanes.
    pub(crate) fn start<E: Executor>(config: &LaneConfig, executor: Arc<E>) -> Self {
        let (senders, workers) = (0..config.lanes)
            .map(|_| {
                let (sender, receiver) = mpsc::channel(config.queue);
                let worker = Worker::new(config, receiver, Arc::clone(&executor));
                (sender, tokio::spawn(worker.run()))
            })
            .unzip();
        let shared = Shared {
            senders: Mutex::new(senders),
            workers: Mutex::new(workers),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Queues a command and waits for its decision.
    ///
    /// Dropping the future before the command was taken into a batch withdraws the command.
    pub(crate) async fn submit(&self, command: Command) -> Result<Decision, LaneError> {
        let sender = self.lane_of(&command).ok_or(LaneError::ShuttingDown)?;
        let (reply, decision) = oneshot::channel();
        let job = Job {
            command,
            queued_at: Instant::now(),
            reply,
        };
        sender.try_send(job).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => {
                metrics::lane_failure("queue_full");
                LaneError::Overloaded
            }
            mpsc::error::TrySendError::Closed(_) => LaneError::ShuttingDown,
        })?;
        drop(sender);
        // A worker that ended without an answer was killed with its batch under way.
        decision.await.unwrap_or(Err(LaneError::OutcomeUnknown))
    }

    /// Takes no more commands, decides those that wait, and returns when all are answered.
    pub(crate) async fn drain(&self) {
        lock(&self.shared.senders).clear();
        let workers = std::mem::take(&mut *lock(&self.shared.workers));
        for worker in workers {
            if let Err(error) = worker.await {
                tracing::error!(error = %error, "write lane ended abnormally");
            }
        }
    }

    /// Commands on one stock level take one lane, so that a busy row is fought for by one session.
    fn lane_of(&self, command: &Command) -> Option<mpsc::Sender<Job>> {
        let mut hasher = DefaultHasher::new();
        command.affinity().hash(&mut hasher);
        let senders = lock(&self.shared.senders);
        let lanes = u64::try_from(senders.len()).ok().filter(|lanes| *lanes > 0)?;
        let index = usize::try_from(hasher.finish() % lanes).ok()?;
        senders.get(index).cloned()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // The guarded data is replaced whole, never left half-changed, so a poisoned lock is fine.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
