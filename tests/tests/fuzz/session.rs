//! A session that makes its calls one after the other, each in a transaction of its own, and judges what comes of them.

use crate::calls::{Call, Functions};
use crate::draw::Draw;
use crate::world::{Known, REVIVAL};
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio_postgres::{Client, SimpleQueryMessage};

/// After so many different failures a run stops.
const MOST_FAILURES: usize = 10;
/// So many calls are made between two revivals of what they archived and closed.
const REVIVED_EVERY: u64 = 100;
/// Another session was faster, and this call is to be made again: it changed nothing.
const TO_BE_REPEATED: &str = "40001";
/// What a function says in its comment that it may raise besides: the ledger is too busy to be locked for a moment; dropping is for others.
const DOCUMENTED: [(&str, &str); 2] = [
    ("retire_movement_partitions", "55P03"),
    ("retire_movement_partitions", "42501"),
];

/// What became of the calls of all sessions.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    outcomes: BTreeMap<String, u64>,
    /// By function: calls, and those that succeeded.
    functions: BTreeMap<String, (u64, u64)>,
    /// By what is at fault, so that a fault that is met often is told once.
    failures: BTreeMap<String, String>,
}

impl Tally {
    fn count(&self, function: &str, outcome: &str) {
        let mut counts = self.0.lock().unwrap();
        *counts.outcomes.entry(outcome.to_owned()).or_default() += 1;
        let function = counts.functions.entry(function.to_owned()).or_default();
        function.0 += 1;
        function.1 += u64::from(outcome == "success");
    }

    fn count_command(&self, outcome: &str) {
        let mut counts = self.0.lock().unwrap();
        *counts.outcomes.entry(format!("command {outcome}")).or_default() += 1;
    }

    fn fail(&self, fault: &str, failure: String) {
        let mut counts = self.0.lock().unwrap();
        counts.failures.entry(fault.to_owned()).or_insert(failure);
    }

    fn is_over(&self) -> bool {
        self.0.lock().unwrap().failures.len() >= MOST_FAILURES
    }

    pub(crate) fn failures(&self) -> Vec<String> {
        self.0.lock().unwrap().failures.values().cloned().collect()
    }

    pub(crate) fn summary(&self, functions: usize) -> String {
        let counts = self.0.lock().unwrap();
        let outcomes: Vec<String> = counts
            .outcomes
            .iter()
            .map(|(name, count)| format!("{name} {count}"))
            .collect();
        let never: Vec<&str> = counts
            .functions
            .iter()
            .filter(|(_, count)| count.1 == 0)
            .map(|(name, _)| name.as_str())
            .collect();
        let called = counts.functions.len();
        format!(
            "{called} of {functions} functions called; outcomes: {}; never successful: {never:?}",
            outcomes.join(", ")
        )
    }
}

/// A session with its own sequence of calls.
pub(crate) struct Session {
    client: Client,
    draw: Draw,
    known: Known,
    /// Seed and number of the session, for whoever wants to have the same calls again.
    name: String,
}

impl Session {
    pub(crate) async fn new(client: Client, seed: u64, number: u64) -> Result<Self> {
        client
            .batch_execute("set statement_timeout = '10s'; set client_min_messages = error; set timezone = 'UTC'")
            .await?;
        Ok(Self {
            client,
            draw: Draw::new(seed.wrapping_mul(1_000).wrapping_add(number)),
            known: Known::default(),
            name: format!("seed {seed}, session {number}"),
        })
    }

    pub(crate) async fn run(mut self, functions: Arc<Functions>, tally: Arc<Tally>, calls: u64) -> Result<()> {
        for number in 0..calls {
            if tally.is_over() {
                break;
            }
            if number % REVIVED_EVERY == 0 {
                // It may lose to another session, as any call; the next one comes soon.
                let _ = self.client.batch_execute(REVIVAL).await;
            }
            let call = functions.call(&mut self.draw, &self.known);
            if let Some((fault, problem)) = self.make(&call, &tally).await? {
                tally.fail(
                    &fault,
                    format!(
                        "{}, call {number}: {problem}\n    set role {};\n    {};",
                        self.name,
                        call.role,
                        shortened(&call.sql)
                    ),
                );
            }
        }
        Ok(())
    }

    /// Makes a call; says what is wrong with what came of it.
    async fn make(&mut self, call: &Call, tally: &Tally) -> Result<Option<(String, String)>> {
        self.client.batch_execute(&format!("set role {}", call.role)).await?;
        let answer = self.client.simple_query(&call.sql).await;
        let messages = match answer {
            Ok(messages) => messages,
            Err(error) => {
                let error = error
                    .as_db_error()
                    .with_context(|| format!("the session ended at {}", call.sql))?;
                let code = error.code().code();
                tally.count(&call.function, code);
                let allowed = code == TO_BE_REPEATED
                    || DOCUMENTED.contains(&(call.function.as_str(), code))
                    || (code.starts_with("IV") && error.hint().is_some());
                let place = error.where_().and_then(|context| context.lines().next());
                return Ok((!allowed).then(|| {
                    let problem = format!(
                        "{code}: {} [detail {:?}, hint {:?}, at {place:?}]",
                        error.message(),
                        error.detail(),
                        error.hint()
                    );
                    (format!("{} {code} {place:?}", call.function), problem)
                }));
            }
        };
        tally.count(&call.function, "success");
        let mut problem = None;
        for message in messages {
            let SimpleQueryMessage::Row(row) = message else {
                continue;
            };
            for (place, column) in row.columns().iter().enumerate() {
                self.known.learn(column.name(), row.get(place).unwrap_or_default());
            }
            if call.function == "apply_commands" {
                let outcome = row.get("code").or(row.get("outcome")).unwrap_or("none");
                tally.count_command(outcome);
                if !outcome.starts_with("IV") && !["applied", "replayed"].contains(&outcome) {
                    problem = Some((
                        format!("command {outcome}"),
                        format!("{outcome}: {:?}", row.get("message")),
                    ));
                }
            }
        }
        Ok(problem)
    }
}

/// A call as text that one can read and repeat; a long one loses its end.
fn shortened(sql: &str) -> String {
    let end = sql.char_indices().nth(20_000).map_or(sql.len(), |(end, _)| end);
    sql[..end].to_owned()
}
