//! A batch on its way to the sink. While it is under way the worker decodes the next one, and begins to write that too if the sink takes
//! several batches at once.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio_util::task::AbortOnDropHandle;

use super::decode::Message;
use super::dlq::DeadLetter;
use super::offsets::Mark;
use super::sink::{Event, Outcome, Sink, SinkError};

/// A batch that is decoded and not settled.
#[derive(Debug)]
pub(crate) struct Flight<M> {
    /// Offsets that are settled with it.
    pub(crate) marks: Vec<Mark>,
    /// What of it goes to the dead letters, so far.
    pub(crate) letters: Vec<DeadLetter>,
    pub(crate) stage: Stage<M>,
}

/// How far it is.
#[derive(Debug)]
pub(crate) enum Stage<M> {
    /// These are to be written.
    Held(Vec<Event<M>>),
    /// The first attempt is under way. It ends with the flight: what is not settled comes again.
    Under(AbortOnDropHandle<Attempt<M>>),
    /// An attempt was made.
    Done(Attempt<M>),
}

/// One write, and what the sink said to it.
#[derive(Debug)]
pub(crate) struct Attempt<M> {
    pub(crate) events: Vec<Event<M>>,
    pub(crate) outcomes: Result<Vec<Outcome>, SinkError>,
    pub(crate) begun: Timestamp,
    pub(crate) settled: Timestamp,
    pub(crate) took: Duration,
}

impl<M: Message> Attempt<M> {
    pub(crate) async fn make(sink: Arc<dyn Sink<M>>, events: Vec<Event<M>>) -> Self {
        let (started, begun) = (Instant::now(), Timestamp::now());
        let batch: Vec<&Event<M>> = events.iter().collect();
        let outcomes = sink.write(&batch).await;
        Self {
            outcomes: outcomes.and_then(|outcomes| complete(outcomes, events.len())),
            events,
            begun,
            settled: Timestamp::now(),
            took: started.elapsed(),
        }
    }

    /// The sink was not asked, because of this.
    pub(crate) fn refused(events: Vec<Event<M>>, error: SinkError) -> Self {
        let now = Timestamp::now();
        Self {
            events,
            outcomes: Err(error),
            begun: now,
            settled: now,
            took: Duration::ZERO,
        }
    }
}

fn complete(outcomes: Vec<Outcome>, sent: usize) -> Result<Vec<Outcome>, SinkError> {
    if outcomes.len() == sent {
        return Ok(outcomes);
    }
    let got = outcomes.len();
    Err(SinkError::Fatal(format!(
        "sink answered {got} outcomes for {sent} events"
    )))
}

impl<M: Message> Stage<M> {
    /// Begins to write, in a task of its own.
    pub(crate) fn begin(sink: Arc<dyn Sink<M>>, events: Vec<Event<M>>) -> Self {
        Self::Under(AbortOnDropHandle::new(tokio::spawn(Attempt::make(sink, events))))
    }

    /// Waits until nothing is under way any more. May be dropped and called again.
    pub(crate) async fn arrive(&mut self) {
        if let Self::Under(handle) = self {
            let attempt = match handle.await {
                Ok(attempt) => attempt,
                // Nobody aborts it: it panicked, and so does the worker, as if it had made the attempt itself.
                Err(error) => resume_unwind(error.into_panic()),
            };
            *self = Self::Done(attempt);
        }
    }
}
