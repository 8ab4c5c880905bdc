//! Histories of several sessions: which of them takes the next step is drawn, and one that waits for another is left waiting.
//!
//! Each call stands in a transaction of its own: begin, call, commit or roll back, each a step. A session that holds rows between its
//! call and its commit makes others wait; they are seen in `pg_blocking_pids`. What was committed is then compared with the model, in
//! an order of which see [`crate::order`].
//!
//! A seed gives the same steps in the same order. If one commit lets two sessions go on at once that want a third row, then who of
//! them gets it first is up to Postgres, and may differ from run to run.

mod turns;

use crate::ledger::Ledger;
use crate::model::{Key, Level, Model};
use crate::order::{Committed, Order};
use crate::script::{Phase, SESSIONS};
use crate::send::Functions;
use crate::single;
use crate::state::{self, past};
use crate::world::World;
use anyhow::{Result, anyhow, ensure};
use onhand_tests::database::Database;
use onhand_tests::{invariants, inventory};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio_postgres::Client;

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
