//! The turns of the sessions: who takes the next step, and who waits for whom.

use super::Run;
use crate::model::{Outcome, is_count_act};
use crate::order::Committed;
use crate::script::{Phase, SESSIONS, Turn};
use crate::send;
use anyhow::{Context, Result, ensure};
use onhand_tests::inventory;
use serde_json::Value;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// How long a session may neither answer nor wait for another.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks at who waits for whom: each takes all locks of the table of locks, and those who are looked at need them too.
const PAUSE: Duration = Duration::from_millis(1);

/// Where a session stands in its current turn.
enum Stand {
    Idle,
    Begun,
    /// Its call is on the way; the model as it was when it was sent.
    Calling(JoinHandle<Result<Vec<Outcome>>>, Vec<Value>, usize),
    Called(Vec<Outcome>, Vec<Value>, usize),
}

impl Run<'_> {
    /// Lets the sessions take their turns until all are through.
    pub(super) async fn act(&mut self, phase: &Phase) -> Result<()> {
        let mut stands: Vec<Stand> = (0..SESSIONS).map(|_| Stand::Idle).collect();
        let mut turns: Vec<std::slice::Iter<'_, Turn>> = phase.sessions.iter().map(|turns| turns.iter()).collect();
        let mut keeps = [true; SESSIONS];
        let mut picks = phase.picks.iter().cycle();
        loop {
            let ready: Vec<usize> = (0..SESSIONS)
                .filter(|actor| match &stands[*actor] {
                    Stand::Idle => turns[*actor].len() > 0,
                    Stand::Begun | Stand::Called(..) => true,
                    Stand::Calling(..) => false,
                })
                .collect();
            if ready.is_empty() {
                return Ok(());
            }
            let pick = usize::from(*picks.next().context("no picks")?);
            let actor = ready[pick % ready.len()];
            let stand = std::mem::replace(&mut stands[actor], Stand::Idle);
            stands[actor] = self
                .take_step(actor, stand, &mut turns[actor], &mut keeps[actor])
                .await?;
            self.settle(&mut stands).await?;
        }
    }

    async fn take_step(
        &mut self,
        actor: usize,
        stand: Stand,
        turns: &mut std::slice::Iter<'_, Turn>,
        keep: &mut bool,
    ) -> Result<Stand> {
        let client = Arc::clone(&self.stage.actors[actor].0);
        match stand {
            Stand::Idle => {
                client.batch_execute("begin").await?;
                Ok(Stand::Begun)
            }
            Stand::Begun => {
                let turn = turns.next().context("a session without a turn")?;
                *keep = turn.keep;
                let bodies: Vec<Value> = turn.commands.iter().map(|command| self.world.render(command)).collect();
                self.log
                    .push(format!("session {actor}: {}", Value::from(bodies.clone())));
                let (caller, sent) = (self.world.caller().to_owned(), bodies.clone());
                let act = bodies.first().filter(|body| is_count_act(body));
                let statement = act.and_then(|body| self.stage.functions.statement(body));
                let calling = tokio::spawn(async move {
                    if sent.is_empty() {
                        client.query_one("select api.expire_reservations()", &[]).await?;
                        return Ok(Vec::new());
                    }
                    if let Some(statement) = statement {
                        let outcome = send::call_within(&client, &sent[0], &statement).await?;
                        return Ok(vec![outcome]);
                    }
                    send::batch(&client, &caller, &sent).await
                });
                Ok(Stand::Calling(calling, bodies, self.committed.len()))
            }
            Stand::Called(outcomes, bodies, seen) => {
                let transaction = inventory::transaction(&client).await?;
                client.batch_execute(if *keep { "commit" } else { "rollback" }).await?;
                self.log.push(format!(
                    "session {actor}: {}",
                    if *keep { "commit" } else { "rollback" }
                ));
                if *keep {
                    self.learn(&bodies, &outcomes);
                    self.committed.push(Committed {
                        bodies,
                        outcomes,
                        seen,
                        transaction,
                    });
                }
                Ok(Stand::Idle)
            }
            calling @ Stand::Calling(..) => Ok(calling),
        }
    }

    fn learn(&mut self, bodies: &[Value], outcomes: &[Outcome]) {
        for (body, outcome) in bodies.iter().zip(outcomes) {
            if let Outcome::Applied(answer) = outcome {
                self.world.learn(body, answer);
            }
        }
    }

    async fn take_answer(&mut self, actor: usize, stand: &mut Stand) -> Result<()> {
        let Stand::Calling(calling, bodies, seen) = stand else {
            return Ok(());
        };
        if !calling.is_finished() {
            return Ok(());
        }
        let outcomes = calling.await?.with_context(|| format!("session {actor}"))?;
        for outcome in &outcomes {
            self.log.push(format!("session {actor}:   {outcome}"));
        }
        *stand = Stand::Called(outcomes, std::mem::take(bodies), *seen);
        Ok(())
    }

    /// Returns when every call on the way has been answered, or waits for a session that has answered and not committed yet.
    /// One that waits for a call on the way goes on by itself.
    async fn settle(&mut self, stands: &mut [Stand]) -> Result<()> {
        let until = Instant::now() + PATIENCE;
        loop {
            for (actor, stand) in stands.iter_mut().enumerate() {
                self.take_answer(actor, stand).await?;
            }
            if self.all_held(stands).await? {
                return Ok(());
            }
            ensure!(
                Instant::now() < until,
                "a session neither answers nor waits for one that can commit"
            );
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Whether each call on the way waits, over however many others, for a session that has answered.
    async fn all_held(&self, stands: &[Stand]) -> Result<bool> {
        let pid = |actor: usize| self.stage.actors[actor].1;
        let of = |wanted: fn(&Stand) -> bool| -> Vec<i32> {
            let stands = stands.iter().enumerate();
            stands
                .filter(|(_, stand)| wanted(stand))
                .map(|(actor, _)| pid(actor))
                .collect()
        };
        let calling = of(|stand| matches!(stand, Stand::Calling(..)));
        let mut holding = of(|stand| matches!(stand, Stand::Called(..)));
        if calling.is_empty() {
            return Ok(true);
        }
        let waits = inventory::waits(&self.stage.watcher, &calling).await?;
        loop {
            let found: Vec<i32> = waits
                .iter()
                .filter(|(waiter, blockers)| {
                    !holding.contains(waiter) && blockers.iter().any(|pid| holding.contains(pid))
                })
                .map(|(waiter, _)| *waiter)
                .collect();
            if found.is_empty() {
                return Ok(calling.iter().all(|pid| holding.contains(pid)));
            }
            holding.extend(found);
        }
    }
}
