//! One lane: takes what waits, sends it, answers.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::{Command, Decision, ExecuteError, Executor, Job, LaneError};
use crate::config::LaneConfig;
use crate::metrics;

/// First pause before a batch is sent again; doubled each time.
const RETRY_PAUSE: Duration = Duration::from_millis(10);

type Reply = oneshot::Sender<Result<Decision, LaneError>>;

pub(super) struct Worker<E> {
    receiver: mpsc::Receiver<Job>,
    executor: Arc<E>,
    max_batch: usize,
    max_retries: u32,
}

impl<E: Executor> Worker<E> {
    pub(super) fn new(config: &LaneConfig, receiver: mpsc::Receiver<Job>, executor: Arc<E>) -> Self {
        Self {
            receiver,
            executor,
            max_batch: config.max_batch,
            max_retries: config.max_retries,
        }
    }

    /// Runs until every entrance is dropped and the queue is empty.
    pub(super) async fn run(mut self) {
        let mut jobs = Vec::with_capacity(self.max_batch);
        while self.receiver.recv_many(&mut jobs, self.max_batch).await > 0 {
            let (commands, replies) = self.open(&mut jobs);
            if !commands.is_empty() {
                self.decide(commands, replies).await;
            }
        }
    }

    /// Separates commands from who waits for them; nobody waits for a withdrawn one.
    fn open(&self, jobs: &mut Vec<Job>) -> (Vec<Command>, Vec<Reply>) {
        metrics::lane_queue(self.receiver.len());
        jobs.drain(..)
            .filter(|job| !job.reply.is_closed())
            .map(|job| {
                metrics::lane_wait(job.queued_at.elapsed());
                (job.command, job.reply)
            })
            .unzip()
    }

    async fn decide(&self, commands: Vec<Command>, replies: Vec<Reply>) {
        metrics::lane_batch(commands.len());
        match self.apply(&commands).await {
            Ok(decisions) => answer(replies, decisions),
            Err(ExecuteError::Refused(_)) if commands.len() > 1 => {
                self.decide_apart(commands, replies).await;
            }
            Err(error) => {
                tracing::error!(commands = commands.len(), error = %error, "batch failed");
                metrics::lane_failure(failure_label(&error));
                for reply in replies {
                    let _ = reply.send(Err(verdict(&error)));
                }
            }
        }
    }

    /// One command made the call fail: each is sent on its own, in order, so that only that one
    /// gets the error.
    async fn decide_apart(&self, commands: Vec<Command>, replies: Vec<Reply>) {
        metrics::lane_failure("split");
        for (command, reply) in commands.into_iter().zip(replies) {
            let result = match self.apply(std::slice::from_ref(&command)).await {
                Ok(decisions) => decisions.into_iter().next().ok_or(LaneError::Internal),
                Err(error) => {
                    tracing::error!(op = command.op.label(), error = %error, "command failed");
                    Err(verdict(&error))
                }
            };
            let _ = reply.send(result);
        }
    }

    async fn apply(&self, commands: &[Command]) -> Result<Vec<Decision>, ExecuteError> {
        let mut pause = RETRY_PAUSE;
        let mut attempt = 0;
        loop {
            let error = match self.executor.apply(commands).await {
                Ok(decisions) if decisions.len() == commands.len() => return Ok(decisions),
                Ok(decisions) => {
                    // Committed, but not understood: nobody may be told that nothing happened.
                    let got = decisions.len();
                    let asked = commands.len();
                    return Err(ExecuteError::Lost(format!("{got} answers to {asked} commands")));
                }
                Err(error) => error,
            };
            let again = matches!(error, ExecuteError::NotSent(_) | ExecuteError::Conflict(_));
            if !again || attempt >= self.max_retries {
                return Err(error);
            }
            attempt += 1;
            // The end of it is logged, with the error; at each try it would flood the log.
            tracing::debug!(attempt, error = %error, "batch is sent again");
            metrics::lane_failure("retry");
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
    }
}

/// A caller that has gone away by now does not need its answer.
fn answer(replies: Vec<Reply>, decisions: Vec<Decision>) {
    for (reply, decision) in replies.into_iter().zip(decisions) {
        let _ = reply.send(Ok(decision));
    }
}

fn verdict(error: &ExecuteError) -> LaneError {
    match error {
        ExecuteError::NotSent(_) => LaneError::Unavailable,
        ExecuteError::Conflict(_) | ExecuteError::Busy(_) => LaneError::Overloaded,
        ExecuteError::Refused(_) => LaneError::Internal,
        ExecuteError::Lost(_) => LaneError::OutcomeUnknown,
    }
}

fn failure_label(error: &ExecuteError) -> &'static str {
    match error {
        ExecuteError::NotSent(_) => "not_sent",
        ExecuteError::Conflict(_) => "conflict",
        ExecuteError::Busy(_) => "busy",
        ExecuteError::Refused(_) => "refused",
        ExecuteError::Lost(_) => "lost",
    }
}
