//! `onhand connect backfill`: an incremental snapshot of one table, beside the running stream.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use onhand_cdc::connect::Connector;
use onhand_cdc::notification::{Begin, Kind, Notification, Notifications, Stage};
use onhand_db::{Pool, PooledClient, request_snapshot};

use crate::connector::Definition;
use crate::settings::Settings;

/// How long one wait for a notification takes.
const STEP: Duration = Duration::from_secs(1);

/// Arguments of `onhand connect backfill`.
#[derive(Debug, Args)]
pub(crate) struct Backfill {
    /// A captured table, for example item
    #[arg(long)]
    table: String,
    /// Only rows that fulfil this condition, in SQL, for example "updated_at >= now() - interval '1 day'"
    #[arg(long = "where", value_name = "SQL")]
    condition: Option<String>,
    /// Wait until all rows are in the topic, and show how far it is
    #[arg(long)]
    wait: bool,
    /// Seconds to wait at most
    #[arg(long, default_value_t = 3_600, value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,
}

impl Backfill {
    /// Orders the snapshot, and waits for its end if that is asked for.
    pub(crate) async fn run(&self, settings: &Settings, definition: &Definition) -> Result<()> {
        let table = self.table.strip_prefix("inventory.").unwrap_or(&self.table);
        let captured = definition.captured();
        ensure!(
            captured.iter().any(|known| known == table),
            "'{}' is no captured table; there are {}",
            self.table,
            captured.join(", ")
        );
        let status = Connector::new(&settings.connect, &definition.name)?.status().await?;
        ensure!(
            status.is_running() || !self.wait,
            "the connector does not run ({status}): it would take the order only later, so do not wait for it, or mend it first"
        );
        let pool = Pool::new(&settings.database).map_err(anyhow::Error::msg)?;
        let client = pool.get().await?;
        if let Some(condition) = &self.condition {
            check_condition(&client, table, condition).await?;
        }
        // Before the order, so that nothing of it is missed.
        let notifications = match self.wait {
            true => Some(tokio::task::block_in_place(|| {
                Notifications::open(&settings.kafka, &settings.registry, Begin::Now)
            })?),
            false => None,
        };
        let id = request_snapshot(&client, table, self.condition.as_deref()).await?;
        println!("snapshot of inventory.{table} ordered: {id}");
        match notifications {
            Some(notifications) => self.follow(notifications, &id).await,
            None => Ok(()),
        }
    }

    async fn follow(&self, mut notifications: Notifications, id: &str) -> Result<()> {
        let until = Instant::now() + Duration::from_secs(self.timeout);
        while Instant::now() < until {
            let Some(found) = notifications.next(STEP).await? else {
                continue;
            };
            if found.kind() != Kind::Incremental || found.id != id {
                continue;
            }
            if let Some(line) = progress(&found) {
                println!("{line}");
            }
            match found.stage() {
                Stage::TableScanned => check_status(&found)?,
                Stage::Completed => return Ok(()),
                Stage::Aborted => bail!("the snapshot was broken off"),
                _ => {}
            }
        }
        bail!(
            "no end of the snapshot within {} s; it goes on, see `onhand connect status`",
            self.timeout
        );
    }
}

/// How far it is, for a person.
fn progress(found: &Notification) -> Option<String> {
    let of = |name: &str| found.fact(name).unwrap_or("?").to_owned();
    Some(match found.stage() {
        Stage::Started => "started".to_owned(),
        Stage::InProgress => format!(
            "{}: up to {} of {}",
            of("current_collection_in_progress"),
            of("last_processed_key"),
            of("maximum_key")
        ),
        Stage::TableScanned => format!(
            "{}: {} rows, {}",
            of("scanned_collection"),
            of("total_rows_scanned"),
            of("status").to_lowercase()
        ),
        Stage::Completed => "completed".to_owned(),
        Stage::Aborted | Stage::Other => return None,
    })
}

/// The connector passes over a table that it cannot read, and calls the snapshot completed all the same.
fn check_status(found: &Notification) -> Result<()> {
    match found.fact("status") {
        None | Some("SUCCEEDED" | "EMPTY") => Ok(()),
        Some(other) => bail!("the connector could not read the table: {other}"),
    }
}

/// A condition must be one, by itself and between the brackets that the connector puts around it. Postgres is asked for the
/// meaning only: nothing is carried out.
async fn check_condition(client: &PooledClient, table: &str, condition: &str) -> Result<()> {
    for text in [condition.to_owned(), format!("({condition})")] {
        client
            .prepare(&format!("select from inventory.{table} where {text}"))
            .await
            .map_err(|error| match error.as_db_error() {
                Some(error) => anyhow::anyhow!("{}", error.message()),
                None => error.into(),
            })
            .with_context(|| format!("--where is no condition on inventory.{table}"))?;
    }
    Ok(())
}
