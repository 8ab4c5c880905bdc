//! The stack, and what the scenarios do to it.

use anyhow::{Context, Result, ensure};
use onhand_db::tokio_postgres::{self, Client, NoTls, Row};
use onhand_tests::group::Group;
use onhand_tests::process;
use onhand_tests::stack::{Stack, program};
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use std::process::{Child, Command, Stdio};

use super::subject::Subject;

/// Commands in one call.
const BATCH: usize = 50;
const ITEMS: [&str; 8] = [
    "CONF-1", "CONF-2", "CONF-3", "CONF-4", "CONF-5", "CONF-6", "CONF-7", "CONF-8",
];
const LOCATIONS: [&str; 3] = ["CONF-W1", "CONF-W2", "CONF-W3"];

pub(crate) struct World {
    pub(crate) stack: Stack,
}

impl World {
    pub(crate) fn from_env() -> Result<Self> {
        Ok(Self {
            stack: Stack::from_env()?,
        })
    }

    /// Runs the program and fails if it does.
    pub(crate) async fn onhand(&self, arguments: &[&str]) -> Result<String> {
        let arguments: Vec<String> = arguments.iter().map(|text| (*text).to_owned()).collect();
        tokio::task::spawn_blocking(move || {
            let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let (code, text) = program(&words);
            ensure!(code == 0, "onhand {words:?}: {code}\n{text}");
            Ok(text)
        })
        .await?
    }

    pub(crate) fn group(&self, subject: &dyn Subject) -> Group {
        Group {
            brokers: self.stack.brokers.clone(),
            name: subject.group().to_owned(),
            topics: subject.topics().into_iter().map(str::to_owned).collect(),
        }
    }

    pub(crate) fn pid(&self, part: &str) -> Result<u32> {
        process::pid(&self.stack.state, part)
    }

    /// Status and answer of the sink's readiness.
    pub(crate) async fn health(&self, subject: &dyn Subject) -> Result<(u16, String)> {
        let prefix: u32 = std::env::var("ONHAND_PORT_PREFIX")
            .context("ONHAND_PORT_PREFIX is not set: run these tests with ./onhand test")?
            .parse()?;
        let url = format!("http://127.0.0.1:{}/ready", prefix * 1_000 + u32::from(subject.port()));
        let answer = reqwest::get(url).await?;
        Ok((answer.status().as_u16(), answer.text().await?))
    }

    /// Another member of the sink's group, beside the one of the stack.
    pub(crate) fn second_member(&self, subject: &dyn Subject) -> Result<Child> {
        let program = std::env::var("ONHAND_BIN").context("ONHAND_BIN is not set")?;
        Command::new(program)
            .args(["consume", subject.name()])
            .env("ONHAND_RUNTIME__METRICS_LISTEN", "127.0.0.1:0")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("a second member could not be started")
    }

    /// Changes of stock through SQL, in batches of all kinds of plain commands.
    pub(crate) async fn move_stock(&self, commands: usize) -> Result<()> {
        self.make_catalogue().await?;
        let mut random = StdRng::from_os_rng();
        let client = self.client().await?;
        for _ in 0..commands.div_ceil(BATCH) {
            let batch: Vec<Value> = (0..BATCH).map(|_| command(&mut random)).collect();
            client
                .query("select outcome from api.apply_commands($1)", &[&Value::from(batch)])
                .await?;
        }
        Ok(())
    }

    /// A connection with the application's login; it ends when the client is dropped.
    pub(crate) async fn client(&self) -> Result<Client> {
        let (client, connection) = tokio_postgres::connect(&self.stack.database, NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// A connection of the superuser; it ends when the client is dropped.
    pub(crate) async fn superuser(&self) -> Result<Client> {
        let of = |name: &str| {
            std::env::var(name).with_context(|| format!("{name} is not set: run these tests with ./onhand test"))
        };
        let mut config = tokio_postgres::Config::new();
        config
            .host(of("PGHOST")?)
            .port(of("PGPORT")?.parse()?)
            .user(of("PGUSER")?)
            .password(of("PGPASSWORD")?)
            .dbname(of("PGDATABASE")?);
        let (client, connection) = config.connect(NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// Sends the open dead letters of a group again that have this in their reason. There must be some.
    pub(crate) async fn redrive(&self, group: &str, reason: &str) -> Result<()> {
        let which = ["--group", group, "--reason", reason, "--output", "json"];
        let printed = self.onhand(&[&["dlq", "redrive"], &which[..]].concat()).await?;
        let report: Option<Value> = printed.lines().find_map(|line| serde_json::from_str(line).ok());
        let letters = report.as_ref().and_then(|report| report["letters"].as_u64());
        ensure!(letters > Some(0), "no dead letters: {printed}");
        Ok(())
    }

    pub(crate) async fn query(&self, query: &str) -> Result<Vec<Row>> {
        Ok(self.client().await?.query(query, &[]).await?)
    }

    async fn make_catalogue(&self) -> Result<()> {
        for location in LOCATIONS {
            let body = json!({"name": location});
            self.stack.put(&format!("/v1/locations/{location}"), &body).await?;
        }
        for sku in ITEMS {
            let body = json!({"name": format!("Item {sku}")});
            self.stack.put(&format!("/v1/items/{sku}"), &body).await?;
        }
        Ok(())
    }
}

fn command(random: &mut StdRng) -> Value {
    let sku = ITEMS.choose(random);
    let at = LOCATIONS.choose(random);
    let quantity = random.random_range(1..20);
    match random.random_range(0..10) {
        0..5 => json!({"op": "add", "sku": sku, "location": at, "quantity": quantity}),
        5..7 => json!({"op": "remove", "sku": sku, "location": at, "quantity": quantity}),
        _ => json!({"op": "reserve", "sku": sku, "location": at, "quantity": quantity, "expires_in_seconds": 60}),
    }
}
