//! The one loop that owns all state of a consumer: batch, decode, write, dead letters, offsets.
//!
//! Batches are settled as a whole and in their order. While one is being written the queue fills up with the next one, which is decoded
//! meanwhile if a good part of a batch waits there, so that nothing waits for anything that could be done already.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use onhand_cdc::error_chain;
use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::{Offset, TopicPartitionList};
use tokio_util::sync::CancellationToken;

use super::config::RuntimeConfig;
use super::decode::{DecodeStage, Decoded, Message};
use super::dlq::{DeadLetter, DeadLetters, STAGE_DECODE, STAGE_SINK};
use super::flight::{Attempt, Flight, Stage};
use super::follow::Follower;
use super::health::{Health, Phase};
use super::hops::Hops;
use super::metrics::{Settled, Telemetry};
use super::offsets::{Offsets, marks};
use super::poll::{Control, Intake, KafkaConsumer, Queued};
use super::retry::{Backoff, Breaker};
use super::sink::{ErrorClass, Event, Outcome, Record, Sink, SinkError};
use super::{ConsumerError, Startup};

/// Why the work on a batch ended early.
#[derive(Debug)]
enum Halt {
    /// The consumer is to stop; what is not settled comes again.
    Cancelled,
    /// This topic was made anew: a new client reads it from its beginning.
    MadeAnew(String),
    /// It cannot go on.
    Failed(ConsumerError),
}

impl From<ConsumerError> for Halt {
    fn from(error: ConsumerError) -> Self {
        Self::Failed(error)
    }
}

/// How the work ended, if nothing failed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It was told to stop.
    Stopped,
    /// It is to begin again with a new Kafka client.
    Again,
}

enum Step {
    Batch(Vec<Record>),
    Control(Control),
    /// The oldest batch that was under way has its answer.
    Arrived,
    Timer,
    Stop,
    /// The polling thread is gone, which it never should be before the worker.
    Orphaned,
}

/// What an attempt at the sink left to do.
struct Left<M> {
    /// Not taken this time.
    events: Vec<Event<M>>,
    /// Why.
    error: SinkError,
}

/// Everything the loop works with.
pub(crate) struct Worker<M: Message> {
    pub(crate) sink: Arc<dyn Sink<M>>,
    pub(crate) config: RuntimeConfig,
    pub(crate) batch_max_records: usize,
    pub(crate) consumer: Arc<KafkaConsumer>,
    pub(crate) intake: Intake,
    pub(crate) decode: DecodeStage,
    pub(crate) dead: DeadLetters,
    pub(crate) health: Arc<Health>,
    pub(crate) telemetry: Arc<Telemetry>,
    pub(crate) follower: Arc<Follower>,
    pub(crate) token: CancellationToken,
    pub(crate) offsets: Offsets,
    pub(crate) breaker: Breaker,
    pub(crate) last_commit: Instant,
    /// Whether the sink has answered somebody since the last commit.
    pub(crate) answered: bool,
    /// Batches that are not settled, the oldest first.
    pub(crate) flights: VecDeque<Flight<M>>,
    /// What it was told and has not heeded.
    pub(crate) told: Option<Control>,
}

impl<M: Message> Worker<M> {
    /// Works until the token is cancelled or a failure is fatal; leaves offsets committed.
    pub(crate) async fn run(mut self, startup: &Startup) -> Result<Ended, ConsumerError> {
        let ended = self.work(startup).await;
        let again = matches!(ended, Err(Halt::MadeAnew(_)));
        // Draining is for good.
        self.health.phase(if again { Phase::Retrying } else { Phase::Draining });
        // Commits that are under way may still be refused, and nobody would repeat them.
        self.offsets.forget_commits();
        self.commit(CommitMode::Sync);
        self.dead.flush(Duration::from_secs(5));
        if let Err(Halt::MadeAnew(topic)) = ended {
            self.begin_anew(&topic);
            return Ok(Ended::Again);
        }
        self.sink.shutdown().await;
        match ended {
            Err(Halt::Failed(error)) => Err(error),
            _ => Ok(Ended::Stopped),
        }
    }

    /// Offsets of a topic that is gone say nothing of the one that has its name now.
    fn begin_anew(&self, topic: &str) {
        tracing::warn!(
            topic,
            "the topic was deleted and made again, it is read from its beginning"
        );
        let beginning = self.consumer.assignment().and_then(|assigned| {
            let mut offsets = TopicPartitionList::new();
            for element in assigned.elements_for_topic(topic) {
                offsets.add_partition_offset(topic, element.partition(), Offset::Offset(0))?;
            }
            self.consumer.commit(&offsets, CommitMode::Sync)
        });
        if let Err(error) = beginning {
            tracing::warn!(topic, %error, "offsets of the old topic stay, records of the new one may be passed over: run onhand verify");
        }
    }

    async fn work(&mut self, startup: &Startup) -> Result<(), Halt> {
        self.prepare(startup).await?;
        self.health.phase(Phase::Running);
        let mut timer = tokio::time::interval(self.config.commit_interval());
        timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut waiting = Vec::with_capacity(self.batch_max_records);
        loop {
            match self.next(&mut timer, &mut waiting).await {
                Step::Batch(records) => self.settle(records).await?,
                Step::Control(control) => self.heed(control).await?,
                Step::Arrived => self.land().await?,
                Step::Timer => self.health.phase(Phase::Running),
                Step::Stop => return self.land_all().await,
                Step::Orphaned => return Err(orphaned()),
            }
            if self.last_commit.elapsed() >= self.config.commit_interval() {
                self.commit(CommitMode::Async);
            }
        }
    }

    /// What comes next; a batch is all that waits, and at least one record. While another is under way it is at least half of a full one:
    /// a smaller one grows meanwhile, and costs less for each of its records.
    async fn next(&mut self, timer: &mut tokio::time::Interval, waiting: &mut Vec<Queued>) -> Step {
        let limit = self.batch_max_records;
        let oldest = self.flights.front_mut();
        let take = oldest.is_none() || self.intake.records.len() >= limit.div_ceil(2);
        tokio::select! {
            biased;
            () = self.token.cancelled() => Step::Stop,
            control = self.intake.control.recv() => match control {
                Some(control) => Step::Control(control),
                None => Step::Orphaned,
            },
            taken = self.intake.records.recv_many(waiting, limit), if take => match taken {
                0 => Step::Orphaned,
                _ => Step::Batch(waiting.drain(..).map(|queued| queued.record).collect()),
            },
            () = arrived(oldest) => Step::Arrived,
            _ = timer.tick() => Step::Timer,
        }
    }

    /// Dead letter topics and the sink itself, for as long as it takes.
    async fn prepare(&mut self, startup: &Startup) -> Result<(), Halt> {
        let mut backoff = Backoff::new(&self.config);
        loop {
            let made = match startup.ensure_topics().await {
                Ok(()) => self.sink.prepare().await,
                Err(reason) => Err(SinkError::Transient(reason)),
            };
            match made {
                Ok(()) => return Ok(()),
                Err(error) => self.again("prepare", error, &mut backoff).await?,
            }
        }
    }

    /// Decodes a batch and begins to write it, after as many of the ones before it are settled as the sink wants.
    async fn settle(&mut self, mut records: Vec<Record>) -> Result<(), Halt> {
        records.retain(|record| self.offsets.is_current(record));
        if records.is_empty() {
            return Ok(());
        }
        self.health.phase(Phase::Running);
        self.telemetry.batch(records.len());
        let marks = marks(&records);
        let mut letters = Vec::new();
        let mut events = self.decode(records, &mut letters).await?;
        while self.flights.len() >= self.sink.batches_at_once() {
            self.land().await?;
        }
        // Partitions may have been taken away meanwhile.
        events.retain(|event| self.offsets.is_current(&event.record));
        let stage = match self.breaker {
            Breaker::Closed if !events.is_empty() => Stage::begin(Arc::clone(&self.sink), events),
            _ => Stage::Held(events),
        };
        self.flights.push_back(Flight { marks, letters, stage });
        Ok(())
    }

    async fn land_all(&mut self) -> Result<(), Halt> {
        while !self.flights.is_empty() {
            self.land().await?;
        }
        Ok(())
    }

    /// Brings the oldest batch to its end, whatever it takes, and notes its offsets.
    async fn land(&mut self) -> Result<(), Halt> {
        let Some(flight) = self.flights.pop_front() else {
            return Ok(());
        };
        let (marks, mut letters) = (flight.marks, flight.letters);
        self.write(flight.stage, &mut letters).await?;
        self.bury(&letters).await?;
        self.offsets.settle(marks);
        if self.answered || !letters.is_empty() {
            // Somebody was told: after a crash the same records should not be decided once more.
            self.answered = false;
            self.commit(CommitMode::Async);
        }
        Ok(())
    }

    async fn decode(&mut self, records: Vec<Record>, letters: &mut Vec<DeadLetter>) -> Result<Vec<Event<M>>, Halt> {
        self.decode.begin_batch();
        let mut events = Vec::with_capacity(records.len());
        let mut consumed: HashMap<Arc<str>, (u64, u64)> = HashMap::new();
        for record in records {
            let mut backoff = Backoff::new(&self.config);
            let counts = consumed.entry(Arc::clone(&record.topic)).or_default();
            counts.0 += 1;
            if !self.dead.concerns(&record) {
                counts.1 += 1;
                continue;
            }
            loop {
                match self.decode.decode::<M>(&record).await {
                    Decoded::Message(change) => events.push(Event { record, change }),
                    Decoded::Tombstone => counts.1 += 1,
                    Decoded::Poison(reason) => {
                        self.telemetry.poison(&record, "decode", &reason);
                        letters.push(DeadLetter {
                            record,
                            stage: STAGE_DECODE,
                            reason,
                            attempts: backoff.attempts() + 1,
                        });
                    }
                    Decoded::Wait(reason) => {
                        self.land_all().await?;
                        let error = SinkError::Transient(reason);
                        self.again("decode", error, &mut backoff).await?;
                        continue;
                    }
                }
                break;
            }
            self.recovered("decode", &backoff);
        }
        for (topic, (count, tombstones)) in consumed {
            self.telemetry.consumed(&topic, count);
            self.telemetry.settled(&topic, Settled::Skipped, tombstones);
        }
        Ok(events)
    }

    /// Writes the events until each is in the read model or among the dead letters.
    async fn write(&mut self, mut stage: Stage<M>, letters: &mut Vec<DeadLetter>) -> Result<(), Halt> {
        let mut backoff = Backoff::new(&self.config);
        loop {
            stage.arrive().await;
            let attempt = match stage {
                Stage::Held(events) if events.is_empty() => break,
                Stage::Held(events) => self.attempt(events).await,
                Stage::Under(_) => continue,
                Stage::Done(attempt) => attempt,
            };
            let Some(mut left) = self.conclude(attempt, letters, backoff.attempts() + 1) else {
                break;
            };
            self.trip(backoff.attempts() + 1);
            self.again("write", left.error, &mut backoff).await?;
            // Partitions may have been taken away during the pause.
            left.events.retain(|event| self.offsets.is_current(&event.record));
            stage = Stage::Held(left.events);
        }
        self.recovered("write", &backoff);
        Ok(())
    }

    async fn attempt(&mut self, events: Vec<Event<M>>) -> Attempt<M> {
        match self.probe().await {
            Ok(()) => Attempt::make(Arc::clone(&self.sink), events).await,
            Err(error) => Attempt::refused(events, error),
        }
    }

    /// With an open breaker, a cheap question comes before the batch.
    async fn probe(&mut self) -> Result<(), SinkError> {
        if self.breaker != Breaker::Open {
            return Ok(());
        }
        self.sink.health().await?;
        self.set_breaker(Breaker::Trying);
        Ok(())
    }

    /// Notes what became of each event of an attempt; answers what it left to do.
    fn conclude(&mut self, attempt: Attempt<M>, letters: &mut Vec<DeadLetter>, attempts: u32) -> Option<Left<M>> {
        let Attempt {
            events,
            outcomes,
            begun,
            settled,
            took,
        } = attempt;
        let outcomes = match outcomes {
            Ok(outcomes) => outcomes,
            Err(error) => return Some(Left { events, error }),
        };
        self.telemetry.written(took);
        let (mut left, mut reason) = (Vec::new(), String::new());
        let mut tally = Tally::default();
        for (event, outcome) in events.into_iter().zip(outcomes) {
            if let (Outcome::Applied | Outcome::Stale | Outcome::Superseded, true) = (&outcome, onhand_trace::enabled())
                && let Some(hops) = Hops::of(&event, begun, settled)
            {
                self.follower.settled(&event, hops);
            }
            match outcome {
                Outcome::Applied => tally.applied(&event, Hops::of(&event, begun, settled)),
                Outcome::Stale => tally.count(&event, Settled::Stale),
                Outcome::Superseded => tally.count(&event, Settled::Superseded),
                Outcome::Refused => {
                    self.answered = true;
                    tally.count(&event, Settled::Refused);
                }
                Outcome::Retry(why) => {
                    left.push(event);
                    reason = why;
                }
                Outcome::Poison(reason) => {
                    self.telemetry.poison(&event.record, "write", &reason);
                    letters.push(DeadLetter {
                        record: event.record,
                        stage: STAGE_SINK,
                        reason,
                        attempts,
                    });
                }
            }
        }
        tally.report(&self.telemetry);
        let error = SinkError::Transient(reason);
        (!left.is_empty()).then_some(Left { events: left, error })
    }

    /// Dead letters are confirmed before the offset of their record is.
    async fn bury(&mut self, letters: &[DeadLetter]) -> Result<(), Halt> {
        let mut backoff = Backoff::new(&self.config);
        while !letters.is_empty() {
            match self.dead.send(letters).await {
                Ok(()) => break,
                Err(error) if error.is_fatal() => {
                    return Err(ConsumerError::DeadLetters(error).into());
                }
                Err(error) => {
                    let error = SinkError::Transient(error_chain(&error));
                    self.again("dead_letters", error, &mut backoff).await?;
                }
            }
        }
        self.recovered("dead_letters", &backoff);
        Ok(())
    }

    /// Waits before the next attempt; serves rebalances meanwhile.
    async fn again(&mut self, stage: &'static str, error: SinkError, backoff: &mut Backoff) -> Result<(), Halt> {
        if error.class() == ErrorClass::Fatal {
            return Err(ConsumerError::Sink(error).into());
        }
        let reason = error.to_string();
        let pause = backoff.next();
        self.telemetry.retry(stage, backoff.attempts(), &reason);
        self.health.retrying(stage, &reason);
        if let Some(control) = self.told.take() {
            self.control(control)?;
        }
        let until = tokio::time::Instant::now() + pause;
        loop {
            tokio::select! {
                biased;
                () = self.token.cancelled() => return Err(Halt::Cancelled),
                control = self.intake.control.recv() => match control {
                    Some(control) => self.control(control)?,
                    None => return Err(orphaned()),
                },
                () = tokio::time::sleep_until(until) => return Ok(()),
            }
        }
    }

    fn recovered(&mut self, stage: &'static str, backoff: &Backoff) {
        if backoff.attempts() > 0 {
            self.telemetry.recovered(stage, backoff.attempts());
            self.health.phase(Phase::Running);
        }
        if stage == "write" && self.breaker != Breaker::Closed {
            self.set_breaker(Breaker::Closed);
        }
    }

    fn trip(&mut self, failures: u32) {
        let next = self.breaker.after_failure(failures, self.config.breaker_failures);
        if next != self.breaker {
            self.set_breaker(next);
        }
    }

    fn set_breaker(&mut self, breaker: Breaker) {
        self.breaker = breaker;
        self.health.breaker(breaker);
        self.telemetry.breaker(breaker.name(), breaker.code());
    }

    /// What is under way counts as ours still, unless the sink has to be tried again.
    async fn heed(&mut self, control: Control) -> Result<(), Halt> {
        self.told = Some(control);
        self.land_all().await?;
        self.told.take().map_or(Ok(()), |control| self.control(control))
    }

    fn control(&mut self, control: Control) -> Result<(), Halt> {
        match control {
            Control::MadeAnew(topic) => Err(Halt::MadeAnew(topic)),
            Control::Fatal(reason) => Err(ConsumerError::KafkaFatal(reason).into()),
            Control::Revoked {
                partitions,
                generation,
                reply,
            } => {
                let offsets = self
                    .offsets
                    .revoke(&partitions, generation)
                    .map_err(ConsumerError::Kafka)?;
                // The poll thread may have given up waiting; the records then come again elsewhere.
                let _ = reply.try_send(offsets);
                Ok(())
            }
        }
    }

    /// Tells Kafka how far everything is settled.
    fn commit(&mut self, mode: CommitMode) {
        self.last_commit = Instant::now();
        if self.consumer.context().take_commit_failure() {
            self.offsets.forget_commits();
        }
        let committed = match self.offsets.take_uncommitted() {
            Ok(Some(list)) => self.consumer.commit(&list, mode),
            Ok(None) => {
                self.health.committed();
                return;
            }
            Err(error) => Err(error),
        };
        if let Err(error) = committed {
            self.offsets.forget_commits();
            tracing::warn!(%error, "offsets were not committed, it is repeated");
        }
    }
}

/// Until the batch has its answer; for ever if there is none.
async fn arrived<M: Message>(oldest: Option<&mut Flight<M>>) {
    match oldest {
        Some(flight) => flight.stage.arrive().await,
        None => std::future::pending().await,
    }
}

fn orphaned() -> Halt {
    ConsumerError::KafkaFatal("the polling thread has ended".to_owned()).into()
}

/// Counts of one write, so that metrics are touched once per topic and not once per record.
#[derive(Default)]
struct Tally {
    counts: HashMap<Arc<str>, [u64; 4]>,
    latencies: Vec<(Arc<str>, Hops)>,
}

impl Tally {
    fn applied<M: Message>(&mut self, event: &Event<M>, hops: Option<Hops>) {
        self.count(event, Settled::Applied);
        if let Some(hops) = hops {
            self.latencies.push((Arc::clone(&event.record.topic), hops));
        }
    }

    fn count<M>(&mut self, event: &Event<M>, settled: Settled) {
        let [applied, stale, superseded, refused] = self.counts.entry(Arc::clone(&event.record.topic)).or_default();
        match settled {
            Settled::Applied => *applied += 1,
            Settled::Stale => *stale += 1,
            Settled::Superseded | Settled::Skipped => *superseded += 1,
            Settled::Refused => *refused += 1,
        }
    }

    fn report(self, telemetry: &Telemetry) {
        for (topic, [applied, stale, superseded, refused]) in self.counts {
            telemetry.settled(&topic, Settled::Applied, applied);
            telemetry.settled(&topic, Settled::Stale, stale);
            telemetry.settled(&topic, Settled::Superseded, superseded);
            if refused > 0 {
                telemetry.settled(&topic, Settled::Refused, refused);
            }
        }
        for (topic, hops) in self.latencies {
            let stages = hops.stages();
            telemetry.commit_to_sink(&topic, stages.iter().sum());
            telemetry.stages(stages);
        }
    }
}
