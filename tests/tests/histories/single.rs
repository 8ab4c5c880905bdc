//! Histories in one session: every answer, every ledger row and every balance is compared with the model, step by step.

use crate::ledger::Ledger;
use crate::model::{Key, Level, Model, Outcome, is_count_act};
use crate::script::{Settings, Step};
use crate::send::{self, Functions, SESSION};
use crate::state::{self, past};
use crate::world::World;
use anyhow::{Result, anyhow, ensure};
use onhand_tests::invariants;
use serde_json::Value;
use std::collections::BTreeMap;
use tokio_postgres::Client;

/// How many moments of a history the past is asked for.
const MOMENTS: usize = 3;

/// A history on its way.
struct Run<'a> {
    client: &'a Client,
    functions: &'a Functions,
    world: World,
    model: Model,
    /// What was sent, and by whom its key is used, for those that are sent again.
    keyed: Vec<(&'static str, Value)>,
    /// Every step as it was sent and answered, to be printed if one is wrong.
    log: Vec<String>,
    /// Instants between steps, with the levels that stood then.
    past: Vec<(String, BTreeMap<Key, Level>)>,
}

/// Plays a history in a world of its own. What is wrong comes with everything that was sent and answered.
pub(crate) async fn play(client: &Client, functions: &Functions, tag: String, steps: &[Step]) -> Result<()> {
    let world = World::new(tag);
    let model = world.make(client).await?;
    let mut run = Run {
        client,
        functions,
        world,
        model,
        keyed: Vec::new(),
        log: Vec::new(),
        past: Vec::new(),
    };
    let outcome = run.steps(steps).await;
    if outcome.is_err() {
        run.world.remove(client).await?;
    }
    outcome.map_err(|error| anyhow!("{}\n{error:#}", run.log.join("\n")))
}

impl Run<'_> {
    async fn steps(&mut self, steps: &[Step]) -> Result<()> {
        self.note_moment().await?;
        for (number, step) in steps.iter().enumerate() {
            self.step(step).await?;
            self.note_moment().await?;
            if number % 8 == 7 {
                state::compare(self.client, &self.model).await?;
            }
        }
        state::compare(self.client, &self.model).await?;
        self.ask_the_past().await?;
        self.send_all_again().await?;
        state::compare(self.client, &self.model).await?;
        invariants::assert_hold(self.client).await
    }

    async fn step(&mut self, step: &Step) -> Result<()> {
        match step {
            Step::Batch(commands) => {
                let bodies: Vec<Value> = commands.iter().map(|command| self.world.render(command)).collect();
                self.batch(&bodies).await
            }
            Step::Call(command) => {
                let body = self.world.render(command);
                match self.functions.statement(&body) {
                    Some(statement) => self.call(&body, &statement).await,
                    None => self.batch(&[body]).await,
                }
            }
            Step::Again(back) => self.again(*back).await,
            Step::Settings(settings) => self.settings(settings).await,
            Step::Pass(minutes) => {
                self.log.push(format!("-- {minutes} minutes go by"));
                pass(self.client, &mut self.model, *minutes).await
            }
            Step::Sweep => self.sweep().await,
            Step::Archive(item, archived) => self.archive(*item, *archived).await,
            Step::Close(place, closed) => self.close(*place, *closed).await,
            Step::RaiseEpoch => self.raise_epoch().await,
        }
    }

    async fn batch(&mut self, bodies: &[Value]) -> Result<()> {
        for body in bodies.iter().filter(|body| body["idempotency_key"].is_string()) {
            self.keyed.push(("", body.clone()));
        }
        let sent = Value::from(bodies);
        self.log.push(format!("select * from api.apply_commands('{sent}');"));
        let outcomes = send::batch(self.client, self.world.caller(), bodies).await?;
        self.judge("", bodies, &outcomes).await
    }

    async fn call(&mut self, body: &Value, statement: &str) -> Result<()> {
        if body["idempotency_key"].is_string() {
            self.keyed.push((SESSION, body.clone()));
        }
        self.log.push(format!("{statement};"));
        let outcome = send::call(self.client, body, statement).await?;
        self.judge(SESSION, std::slice::from_ref(body), &[outcome]).await
    }

    async fn judge(&mut self, caller: &str, bodies: &[Value], outcomes: &[Outcome]) -> Result<()> {
        for outcome in outcomes {
            self.log.push(format!("--   {outcome}"));
        }
        let mut ledger = Ledger::read(self.client, &self.model).await?;
        self.model.begin_batch(None);
        for (body, outcome) in bodies.iter().zip(outcomes) {
            self.model
                .judge(caller, body, outcome, &mut ledger)
                .map_err(|problem| anyhow!("{body}\n{problem}"))?;
            if let Outcome::Applied(answer) = outcome {
                self.world.learn(body, answer);
            }
        }
        self.settle(ledger)
    }

    /// Whatever else the ledger says must be something that ran out.
    fn settle(&mut self, mut ledger: Ledger) -> Result<()> {
        for key in ledger.keys() {
            self.model
                .absorb(&key, &mut ledger)
                .map_err(|problem| anyhow!(problem))?;
        }
        ensure!(
            ledger.keys().is_empty(),
            "nothing explains these ledger rows: {ledger:?}"
        );
        Ok(())
    }

    async fn again(&mut self, back: u8) -> Result<()> {
        if self.keyed.is_empty() {
            return Ok(());
        }
        let (caller, body) = self.keyed[usize::from(back) % self.keyed.len()].clone();
        self.send_again(caller, &body).await
    }

    async fn send_again(&mut self, caller: &'static str, body: &Value) -> Result<()> {
        match self
            .functions
            .statement(body)
            .filter(|_| caller == SESSION || is_count_act(body))
        {
            Some(statement) => self.call(body, &statement).await,
            None => self.batch(std::slice::from_ref(body)).await,
        }
    }

    /// Every request that was applied under a key is answered as before and changes nothing.
    async fn send_all_again(&mut self) -> Result<()> {
        let applied: Vec<(&'static str, Value)> = self
            .model
            .answers
            .iter()
            .map(|((caller, _), (body, _))| (if caller == SESSION { SESSION } else { "" }, body.clone()))
            .collect();
        for (caller, body) in applied {
            self.send_again(caller, &body).await?;
        }
        Ok(())
    }

    async fn settings(&mut self, settings: &Settings) -> Result<()> {
        let (sku, place) = (self.world.sku(settings.item), self.world.place(settings.place));
        let Settings {
            safety_stock,
            reorder_point,
            policy,
            ..
        } = settings;
        self.log.push(format!("-- settings of {sku} at {place}: {settings:?}"));
        let outcome = self
            .client
            .query(
                "select from api.set_stock_policy($1, $2, safety_stock => $3, reorder_point => $4, policy => $5)",
                &[&sku, &place, safety_stock, reorder_point, policy],
            )
            .await;
        let code = outcome.err().map(|error| {
            let code = error.code().map(|code| code.code().to_owned());
            code.unwrap_or_else(|| error.to_string())
        });
        let mut ledger = Ledger::read(self.client, &self.model).await?;
        self.model.begin_batch(None);
        self.model
            .set_policy(&(sku, place), settings, code.as_deref(), &mut ledger)
            .map_err(|problem| anyhow!(problem))?;
        self.settle(ledger)
    }

    async fn sweep(&mut self) -> Result<()> {
        self.log.push("select api.expire_reservations();".to_owned());
        self.client.query_one("select api.expire_reservations()", &[]).await?;
        let ledger = Ledger::read(self.client, &self.model).await?;
        self.settle(ledger)?;
        self.model.none_is_due().map_err(|problem| anyhow!(problem))
    }

    async fn archive(&mut self, item: u8, archived: bool) -> Result<()> {
        let sku = self.world.sku(item);
        self.log.push(format!("-- {sku} archived: {archived}"));
        let status = if archived { "archived" } else { "active" };
        self.client
            .query("select from api.upsert_item($1, status => $2)", &[&sku, &status])
            .await?;
        self.model.items.get_mut(&sku).expect("an item").archived = archived;
        Ok(())
    }

    async fn close(&mut self, place: u8, closed: bool) -> Result<()> {
        let id = self.world.place(place);
        self.log.push(format!("-- {id} closed: {closed}"));
        let status = if closed { "closed" } else { "open" };
        self.client
            .query("select from api.upsert_location($1, status => $2)", &[&id, &status])
            .await?;
        self.model.places.get_mut(&id).expect("a place").closed = closed;
        Ok(())
    }

    async fn raise_epoch(&mut self) -> Result<()> {
        self.log.push("select api.raise_epoch('a history');".to_owned());
        self.client
            .query_one("select api.raise_epoch('a history')", &[])
            .await?;
        let floor = "select max(version_floor) from inventory.epoch";
        self.model.version_floor = self.client.query_one(floor, &[]).await?.get(0);
        Ok(())
    }

    async fn note_moment(&mut self) -> Result<()> {
        let now = self.world.note_moment(self.client, &mut self.model).await?;
        self.past.push((now, self.model.levels.clone()));
        Ok(())
    }

    async fn ask_the_past(&self) -> Result<()> {
        let apart = self.past.len() / MOMENTS + 1;
        for (at, levels) in self.past.iter().step_by(apart) {
            past::compare(self.client, &self.model, at, levels).await?;
            past::compare_by_occurrence(self.client, &self.model, at).await?;
        }
        Ok(())
    }
}

/// Lets minutes go by: all deadlines of a history come nearer by so much.
pub(crate) async fn pass(client: &Client, model: &mut Model, minutes: i64) -> Result<()> {
    let skus: Vec<&String> = model.items.keys().collect();
    let statements = [
        "update inventory.reservation as r set expires_at = r.expires_at - make_interval(mins => $2) where r.id in \
            (select l.reservation_id from inventory.reservation_line as l join inventory.item as i on i.id = l.item_id where i.sku = any ($1))",
        "update inventory.reservation_line as l set expires_at = l.expires_at - make_interval(mins => $2) \
            from inventory.item as i where i.id = l.item_id and i.sku = any ($1)",
        "update inventory.stock_level as s set next_hold_at = s.next_hold_at - make_interval(mins => $2) \
            from inventory.item as i where i.id = s.item_id and i.sku = any ($1)",
        "update inventory.lot as l set expires_at = l.expires_at - make_interval(mins => $2), \
            recalled_at = l.recalled_at - make_interval(mins => $2) \
            from inventory.item as i where i.id = l.item_id and i.sku = any ($1)",
        "update inventory.lot_level as l set ends_at = l.ends_at - make_interval(mins => $2) \
            from inventory.item as i where i.id = l.item_id and i.sku = any ($1)",
    ];
    for statement in statements {
        client.execute(statement, &[&skus, &i32::try_from(minutes)?]).await?;
    }
    model.minute += minutes;
    if minutes > 0 {
        model.lots.forget_told();
    }
    Ok(())
}
