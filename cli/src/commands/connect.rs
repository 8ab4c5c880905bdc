//! `onhand connect`: the connector, seen and moved from the command line.

use anyhow::{Result, bail};
use clap::Subcommand;
use onhand_cdc::connect::Connector;
use onhand_cdc::{RegistryClient, schemas, topics};

use super::role;
use crate::capture::{Backfill, repair};
use crate::connector::Definition;
use crate::settings::{Settings, SettingsFile};

/// The connector of the built-in definition.
#[derive(Debug, clap::Args)]
pub(super) struct Connect {
    #[command(flatten)]
    settings: SettingsFile,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make the topics, register the schemas, give the connector its definition and wait until it runs
    Apply,
    /// Show the state of the connector and its task; fails if one does not run
    Status,
    /// Stop reading; the slot keeps its place, and with it the write-ahead log
    Pause,
    /// Go on after a pause
    Resume,
    /// Restart the connector and its task
    Restart,
    /// Restart what has failed and mend a slot that was lost, until stopped: a role of its own beside the consumers
    Watch,
    /// Bring rows that are there already, in part or all of one table, beside the running stream
    Backfill(Backfill),
    /// Begin anew with a snapshot, on a slot that is made if it was lost, and remove what is gone: what watch does by itself
    Repair,
}

impl Connect {
    /// Carries the action out.
    pub(super) async fn run(self) -> Result<()> {
        let settings = match self.action {
            // What a person does beside a local stack.
            Action::Backfill(_) | Action::Repair => self.settings.load_near()?,
            _ => self.settings.load()?,
        };
        let definition = Definition::built_in()?;
        let name = &definition.name;
        let connector = Connector::new(&settings.connect, name)?;
        match self.action {
            Action::Apply => apply(&settings, &definition).await?,
            Action::Status => {
                let status = connector.status().await?;
                println!("{name}: {status}");
                if !status.is_running() {
                    bail!("{}", status.failure().unwrap_or_else(|| "not running".to_owned()));
                }
            }
            Action::Pause => connector.pause().await?,
            Action::Resume => connector.resume().await?,
            Action::Restart => connector.restart().await?,
            Action::Watch => role::watch_connector(&settings, name).await?,
            Action::Backfill(backfill) => backfill.run(&settings, &definition).await?,
            Action::Repair => repair(&settings, name).await?,
        }
        Ok(())
    }
}

async fn apply(settings: &Settings, definition: &Definition) -> Result<()> {
    // Before the connector writes to them: those that it makes itself have the settings of its safety net.
    let made = topics::ensure(&settings.kafka).await?;
    println!("topics: {} made, {} there", made.created.len(), made.existing.len());
    let registry = RegistryClient::new(&settings.registry)?;
    for schema in schemas::register_all(&registry).await? {
        println!("schema {} has id {}", schema.subject, schema.id);
    }
    let applied = Connector::new(&settings.connect, &definition.name)?
        .apply(&definition.config)
        .await?;
    let how = if applied.changed { "applied" } else { "as it should be" };
    println!("{}: {how}, {}", definition.name, applied.status);
    Ok(())
}
