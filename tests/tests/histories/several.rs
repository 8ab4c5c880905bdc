//! Histories of several sessions: which of them takes the next step is drawn, and one that waits for another is left waiting.
//!
//! Each call stands in a transaction of its own: begin, call, commit or roll back, each a step. A session that holds rows between its
//! call and its commit makes others wait; they are seen in `pg_blocking_pids`. What was committed is then compared with the model, in
//! an order of which see [`crate::order`].
//!
//! A seed gives the same steps in the same order. If one commit lets two sessions go on at once that want a third row, then who of
//! them gets it first is up to Postgres, and may differ from run to run.

use crate::ledger::Ledger;
use crate::model::{Key, Level, Model, Outcome, is_count_act};
use crate::order::{Committed, Order};
use crate::script::{Phase, SESSIONS, Turn};
use crate::send::{self, Functions};
use crate::single;
use crate::state::{self, past};
use crate::world::World;
use anyhow::{Context, Result, anyhow, ensure};
use onhand_tests::database::Database;
use onhand_tests::{invariants, inventory};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use tokio_postgres::Client;

/// How long a session may neither answer nor wait for another.
const PATIENCE: Duration = Duration::from_secs(20);

const EMPTIED: &str = "
    select exists (
        select from inventory.reservation as r
        where r.status = 'PENDING' and not exists (
            select from inventory.reservation_line as l where l.reservation_id = r.id and l.status = 'PENDING'))";

/// The sessions of a database, used by one history after the other.
pub(crate) struct Stage {
    admin: Client,
    watcher: Client,
    functions: Functions,
    actors: Vec<(Arc<Client>, i32)>,
}

/// Where a session stands in its current turn.
enum Stand {
    Idle,
    Begun,
    /// Its call is on the way; the model as it was when it was sent.
    Calling(JoinHandle<Result<Vec<Outcome>>>, Vec<Value>, usize),
    Called(Vec<Outcome>, Vec<Value>, usize),
}

struct Run<'a> {
    stage: &'a Stage,
    world: World,
    log: Vec<String>,
    committed: Vec<Committed>,
    /// Instants between phases, with the levels that stood then.
    past: Vec<(String, BTreeMap<Key, Level>)>,
}

impl Stage {
    pub(crate) async fn open(database: &Database) -> Result<Self> {
        let mut actors = Vec::new();
        for _ in 0..SESSIONS {
            let client = database.client().await?;
            client
                .batch_execute("set synchronous_commit = off; set deadlock_timeout = '200ms'")
                .await?;
            let pid = inventory::pid(&client).await?;
            actors.push((Arc::new(client), pid));
        }
        let admin = database.client().await?;
        Ok(Self {
            functions: Functions::read(&admin).await?,
            admin,
            watcher: database.client().await?,
            actors,
        })
    }

    pub(crate) async fn play(&self, tag: String, phases: &[Phase]) -> Result<()> {
        let world = World::new(tag);
        let mut model = world.make(&self.admin).await?;
        let mut run = Run {
            stage: self,
            world,
            log: Vec::new(),
            committed: Vec::new(),
            past: Vec::new(),
        };
        let outcome = run.phases(phases, &mut model).await;
        if outcome.is_err() {
            self.clear().await?;
            run.world.remove(&self.admin).await?;
        }
        outcome.map_err(|error| anyhow!("{}\n{error:#}", run.log.join("\n")))
    }

    /// After a failure: no session may be left in a transaction.
    async fn clear(&self) -> Result<()> {
        for (client, pid) in &self.actors {
            self.admin.query("select pg_cancel_backend($1)", &[pid]).await?;
            client.batch_execute("rollback").await?;
        }
        Ok(())
    }
}

impl Run<'_> {
    async fn phases(&mut self, phases: &[Phase], model: &mut Model) -> Result<()> {
        for phase in phases {
            self.log.push(format!("-- {} minutes go by", phase.minutes));
            single::pass(&self.stage.admin, model, phase.minutes).await?;
            self.moment(model).await?;
            self.act(phase).await?;
            self.check(model).await?;
        }
        self.ask_the_past(model).await
    }

    /// Keeps how everything stands while no session does anything.
    async fn moment(&mut self, model: &mut Model) -> Result<()> {
        let now = self.world.note_moment(&self.stage.admin, model).await?;
        self.past.push((now, model.levels.clone()));
        Ok(())
    }

    async fn ask_the_past(&self, model: &Model) -> Result<()> {
        for (at, levels) in &self.past {
            past::compare(&self.stage.admin, model, at, levels).await?;
            past::compare_by_occurrence(&self.stage.admin, model, at).await?;
        }
        Ok(())
    }

    /// Lets the sessions take their turns until all are through.
    async fn act(&mut self, phase: &Phase) -> Result<()> {
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

    /// Finds an order in which what was committed is right, and compares everything with where it leads.
    async fn check(&mut self, model: &mut Model) -> Result<()> {
        self.sweep_emptied().await?;
        let ledger = Ledger::read(&self.stage.admin, model).await?;
        let committed = std::mem::take(&mut self.committed);
        let order = Order::find(self.world.caller(), (model.clone(), ledger), &committed)?;
        let (end, mut ledger) = order.end();
        *model = end;
        for key in ledger.keys() {
            model.absorb(&key, &mut ledger).map_err(|problem| anyhow!(problem))?;
        }
        ensure!(
            ledger.keys().is_empty(),
            "nothing explains these ledger rows: {ledger:?}"
        );
        state::compare(&self.stage.admin, model).await?;
        invariants::assert_hold(&self.stage.admin).await
    }

    /// Two sessions that free the last lines of one reservation at the same moment leave its end to the sweeper.
    async fn sweep_emptied(&self) -> Result<()> {
        if self.has_emptied().await? {
            let admin = &self.stage.admin;
            admin.query_one("select api.expire_reservations()", &[]).await?;
            ensure!(
                !self.has_emptied().await?,
                "the sweeper leaves a reservation open that holds nothing"
            );
        }
        Ok(())
    }

    async fn has_emptied(&self) -> Result<bool> {
        Ok(self.stage.admin.query_one(EMPTIED, &[]).await?.get(0))
    }
}
