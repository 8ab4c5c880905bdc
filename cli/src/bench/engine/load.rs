//! Contenders: so many connections that send one kind of write as fast as they are answered.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio_postgres::types::Json;
use tokio_postgres::{Client, Statement};

use super::super::figures;
use super::fill;
use super::server::Database;

/// The row that a hot load is about: somewhere in the middle of the table.
const HOT: u32 = fill::LEVELS / 2;
/// Deadline of each hold: none runs out while something is measured.
const HOLD_SECONDS: u32 = 86_400;
/// Units in each hold.
const QUANTITY: i64 = 1;

/// Holds of earlier calls that a connection remembers, to close them.
const OPEN_HOLDS: usize = 2_000;
const APPLY: &str = "select ordinal, outcome, code, message, detail, answer from api.apply_commands($1, null, 'bench')";

const PEER_TAKE: &str = include_str!("sql/peer_take.sql");

/// Which rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rows {
    /// Any of them, all alike.
    Spread,
    /// One.
    Hot,
}

/// How a reservation is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Write {
    /// `api.reserve_stock`, a call for each.
    OneCommand,
    /// `api.apply_commands` with so many in each call.
    Calls(u16),
    /// The same with what a shop sends: six of ten commands hold, three close a hold of an earlier call, one brings units in.
    Shop(u16, Way),
    /// The peer's transaction, one statement after the other.
    Peer,
    /// The peer's transaction as one statement.
    PeerInOneStatement,
}

/// How Postgres decides a batch of a shop's mix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// As one of one-line commands that all fit.
    Short,
    /// As any other batch, because its first command says when it happened.
    Any,
}

/// One contender, connected.
pub(super) struct Load {
    /// What it is called in the report.
    pub(super) name: String,
    rows: Rows,
    sessions: Vec<Arc<Session>>,
}

/// One connection with its statements prepared.
struct Session {
    client: Client,
    statements: Statements,
}

enum Statements {
    OneCommand(Statement),
    Calls {
        apply: Statement,
        size: u16,
    },
    Shop {
        apply: Statement,
        size: u16,
        way: Way,
        open: Mutex<VecDeque<String>>,
    },
    Peer {
        read: Statement,
        take: Statement,
        move_: Statement,
        hold: Statement,
    },
    PeerInOneStatement(Statement),
}

/// A command in the form of `api.apply_commands`.
#[derive(Debug, Serialize)]
struct Command {
    op: &'static str,
    sku: String,
    location: String,
    quantity: i64,
    expires_in_seconds: u32,
}

impl Load {
    /// Connects and prepares.
    pub(super) async fn open(
        name: impl Into<String>,
        database: &Database,
        (write, rows): (Write, Rows),
        clients: usize,
    ) -> Result<Self> {
        let mut sessions = Vec::with_capacity(clients);
        for _ in 0..clients {
            sessions.push(Arc::new(Session::open(database, write).await?));
        }
        Ok(Self {
            name: name.into(),
            rows,
            sessions,
        })
    }

    /// Runs for so long and says how many commands per second were applied.
    pub(super) async fn run(&self, length: Duration) -> Result<f64> {
        let since = Instant::now();
        let mut tasks = JoinSet::new();
        for session in &self.sessions {
            let (session, rows) = (Arc::clone(session), self.rows);
            tasks.spawn(async move {
                let mut random = StdRng::from_os_rng();
                let mut applied = 0_u64;
                while since.elapsed() < length {
                    applied = applied.saturating_add(session.write(rows, &mut random).await?);
                }
                Ok::<_, anyhow::Error>(applied)
            });
        }
        let mut applied = 0_u64;
        while let Some(ended) = tasks.join_next().await {
            applied = applied.saturating_add(ended?.with_context(|| self.name.clone())?);
        }
        Ok(figures::rate(applied, since.elapsed()))
    }

    /// Goes on until so many commands were applied.
    pub(super) async fn apply(&self, commands: u64) -> Result<()> {
        let session = self.sessions.first().context("a load without a connection")?;
        let mut random = StdRng::from_os_rng();
        let mut applied = 0_u64;
        while applied < commands {
            applied = applied.saturating_add(session.write(self.rows, &mut random).await?);
        }
        Ok(())
    }
}

impl Session {
    async fn open(database: &Database, write: Write) -> Result<Self> {
        let client = database.api_session().await?;
        let statements = match write {
            Write::OneCommand => Statements::OneCommand(
                client
                    .prepare(
                        "select reservation_id, version from api.reserve_stock(sku => $1, location => $2, \
                         quantity => $3, expires_in => interval '1 day')",
                    )
                    .await?,
            ),
            Write::Calls(size) => Statements::Calls {
                apply: client.prepare(APPLY).await?,
                size,
            },
            Write::Shop(size, way) => Statements::Shop {
                apply: client.prepare(APPLY).await?,
                size,
                way,
                open: Mutex::default(),
            },
            Write::Peer => Statements::Peer {
                read: client
                    .prepare("select on_hand, reserved from peer.stock where id = $1 for update")
                    .await?,
                take: client
                    .prepare("update peer.stock set reserved = reserved + $2, updated_at = now() where id = $1")
                    .await?,
                move_: client
                    .prepare("insert into peer.movement (stock_id, kind, quantity) values ($1, 'reserve', $2)")
                    .await?,
                hold: client
                    .prepare(
                        "insert into peer.reservation (stock_id, quantity, expires_at) \
                         values ($1, $2, now() + interval '1 day') returning id",
                    )
                    .await?,
            },
            Write::PeerInOneStatement => Statements::PeerInOneStatement(client.prepare(PEER_TAKE).await?),
        };
        Ok(Self { client, statements })
    }

    /// One call, or one transaction of the peer. Says how many commands it applied.
    async fn write(&self, rows: Rows, random: &mut StdRng) -> Result<u64> {
        match &self.statements {
            Statements::OneCommand(statement) => {
                let (sku, location) = fill::key(rows.next(random));
                let answers = self.client.query(statement, &[&sku, &location, &QUANTITY]).await?;
                Ok(u64::try_from(answers.len())?)
            }
            Statements::Calls { apply, size } => {
                let commands: Vec<Command> = (0..*size).map(|_| Command::reserve(rows.next(random))).collect();
                let answers = self.client.query(apply, &[&Json(commands)]).await?;
                let mut applied = 0_u64;
                for answer in answers {
                    if answer.try_get::<_, &str>(1)? == "applied" {
                        applied = applied.saturating_add(1);
                    }
                }
                Ok(applied)
            }
            Statements::Shop { apply, size, way, open } => {
                let mut open = open.lock().await;
                let commands: Vec<Value> = (0..*size)
                    .map(|number| shop_command(number, *way, rows.next(random), &mut open))
                    .collect();
                let answers = self.client.query(apply, &[&Json(commands)]).await?;
                let mut applied = 0_u64;
                for answer in answers {
                    if answer.try_get::<_, &str>(1)? != "applied" {
                        continue;
                    }
                    applied = applied.saturating_add(1);
                    let Json(answer) = answer.try_get::<_, Json<Value>>(5)?;
                    let field = |name: &str| answer.get(name).and_then(Value::as_str);
                    if let (Some("PENDING"), Some(id)) = (field("status"), field("reservation_id")) {
                        open.push_back(id.to_owned());
                    }
                }
                let surplus = open.len().saturating_sub(OPEN_HOLDS);
                open.drain(..surplus);
                Ok(applied)
            }
            Statements::Peer {
                read,
                take,
                move_,
                hold,
            } => {
                let id = i64::from(rows.next(random));
                self.client.batch_execute("begin").await?;
                let stock = self.client.query_one(read, &[&id]).await?;
                let (on_hand, reserved): (i64, i64) = (stock.try_get(0)?, stock.try_get(1)?);
                if on_hand.saturating_sub(reserved) < QUANTITY {
                    self.client.batch_execute("rollback").await?;
                    return Ok(0);
                }
                self.client.execute(take, &[&id, &QUANTITY]).await?;
                self.client.execute(move_, &[&id, &QUANTITY]).await?;
                self.client.query_one(hold, &[&id, &QUANTITY]).await?;
                self.client.batch_execute("commit").await?;
                Ok(1)
            }
            Statements::PeerInOneStatement(statement) => {
                let id = i64::from(rows.next(random));
                let answers = self.client.query(statement, &[&id, &QUANTITY]).await?;
                Ok(u64::try_from(answers.len())?)
            }
        }
    }
}

/// The command with this number in a call of a shop's mix.
fn shop_command(number: u16, way: Way, level: u32, open: &mut VecDeque<String>) -> Value {
    let (sku, location) = fill::key(level);
    let mut command = match (number % 10, open.pop_front()) {
        (kind @ 7..=9, Some(hold)) => {
            let op = if kind == 9 { "cancel" } else { "confirm" };
            json!({"op": op, "reservation_id": hold})
        }
        (kind, unused) => {
            if let Some(hold) = unused {
                open.push_front(hold);
            }
            let op = if kind == 0 { "add" } else { "reserve" };
            json!({"op": op, "sku": sku, "location": location, "quantity": QUANTITY})
        }
    };
    if number == 0
        && way == Way::Any
        && let Some(fields) = command.as_object_mut()
    {
        fields.insert("occurred_at".to_owned(), json!(jiff::Timestamp::now().to_string()));
    }
    command
}

impl Rows {
    /// Number of the next row.
    fn next(self, random: &mut StdRng) -> u32 {
        match self {
            Self::Spread => random.random_range(0..fill::LEVELS),
            Self::Hot => HOT,
        }
    }
}

impl Command {
    fn reserve(level: u32) -> Self {
        let (sku, location) = fill::key(level);
        Self {
            op: "reserve",
            sku,
            location,
            quantity: QUANTITY,
            expires_in_seconds: HOLD_SECONDS,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_command_has_the_fields_of_the_contract() {
        assert_eq!(
            serde_json::to_string(&Command::reserve(21)).unwrap(),
            r#"{"op":"reserve","sku":"SKU-000002","location":"W2","quantity":1,"expires_in_seconds":86400}"#
        );
    }

    #[test]
    fn a_shop_opens_holds_and_closes_each_once() {
        let mut open: VecDeque<String> = ["one".to_owned(), "two".to_owned()].into();
        let commands: Vec<Value> = (0..20)
            .map(|number| shop_command(number, Way::Short, 1, &mut open))
            .collect();
        let ops = |op: &str| commands.iter().filter(|command| command["op"] == op).count();
        assert_eq!(
            (ops("add"), ops("reserve"), ops("confirm"), ops("cancel")),
            (2, 16, 2, 0)
        );
        assert!(open.is_empty());
        assert!(shop_command(0, Way::Any, 1, &mut open).get("occurred_at").is_some());
    }

    #[test]
    fn a_hot_load_has_one_row_and_a_spread_one_many() {
        let mut random = StdRng::seed_from_u64(1);
        let rows = |rows: Rows, random: &mut StdRng| -> std::collections::BTreeSet<u32> {
            (0..1_000).map(|_| rows.next(random)).collect()
        };
        assert_eq!(rows(Rows::Hot, &mut random), [HOT].into());
        assert!(rows(Rows::Spread, &mut random).len() > 950);
    }
}
