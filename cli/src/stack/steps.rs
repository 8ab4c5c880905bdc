//! What `up` does once between the parts: each step looks first and changes only what is not as it should be.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use onhand_cdc::{KafkaConfig, RegistryClient, RegistryConfig, schemas, topics};
use onhand_db::DatabaseConfig;
use onhand_db::migrate::{APP_LOGIN, CDC_LOGIN, MigrateOptions, SLOT, Slot};
use secrecy::SecretString;

use super::Stack;
use super::parts::{DATABASE, login};
use super::probe;
use super::progress::Progress;
use crate::connector::Definition;

/// One step; it runs when all that it needs is ready.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    /// Name in messages and in `needs`.
    pub(crate) name: &'static str,
    /// Nodes (parts or steps) that must be ready before.
    pub(crate) needs: &'static [&'static str],
    /// What to say while it runs.
    doing: &'static str,
    /// Does it, and says what was done.
    run: fn(Arc<Stack>) -> BoxFuture<'static, Result<String>>,
}

/// All steps.
pub(crate) fn all() -> Vec<Step> {
    vec![
        Step {
            name: "migrate",
            needs: &["postgres"],
            doing: "bringing the database to this release",
            run: |stack| migrate(stack).boxed(),
        },
        Step {
            name: "topics",
            needs: &["kafka"],
            doing: "looking for the topics",
            run: |stack| make_topics(stack).boxed(),
        },
        Step {
            name: "schemas",
            needs: &["registry"],
            doing: "registering the schemas",
            run: |stack| register_schemas(stack).boxed(),
        },
        Step {
            name: "connector",
            needs: &["connect", "migrate", "topics", "schemas"],
            doing: "applying the connector and waiting until it runs",
            run: |stack| apply_connector(stack).boxed(),
        },
    ]
}

/// Runs one step and shows it.
pub(crate) async fn run(step: Step, stack: Arc<Stack>, progress: Progress) -> Result<()> {
    let task = progress.start(step.name, step.doing);
    match (step.run)(stack).await {
        Ok(outcome) => {
            task.done(&outcome);
            Ok(())
        }
        Err(error) => {
            task.failed();
            Err(error).with_context(|| format!("step {} failed", step.name))
        }
    }
}

async fn migrate(stack: Arc<Stack>) -> Result<String> {
    make_database(&stack).await?;
    let config = DatabaseConfig {
        url: stack.superuser_url().into(),
        ..DatabaseConfig::default()
    };
    let options = MigrateOptions {
        app_password: unless_it_works(&stack, APP_LOGIN, &stack.secrets.app).await,
        cdc_password: unless_it_works(&stack, CDC_LOGIN, &stack.secrets.cdc).await,
        create_slot: true,
    };
    let report = onhand_db::migrate::run(&config, &options).await?;
    let functions = if report.functions_loaded {
        "functions loaded"
    } else {
        "functions in force"
    };
    let slot = match report.slot {
        Slot::Created => ", replication slot made",
        Slot::Recreated => ", replication slot was lost and is made anew: the connector takes a snapshot",
        Slot::Present | Slot::NotAsked => "",
    };
    Ok(format!(
        "{} migrations applied, {functions}{slot}",
        report.applied.len()
    ))
}

async fn make_database(stack: &Stack) -> Result<()> {
    let client = probe::postgres(&login(stack, "postgres", &stack.secrets.postgres, "postgres")).await?;
    let found = client
        .query_opt(
            "select from pg_catalog.pg_database as d where d.datname = $1",
            &[&DATABASE],
        )
        .await?;
    if found.is_none() {
        client.batch_execute(&format!("create database {DATABASE}")).await?;
    }
    Ok(())
}

/// A password is set only when it does not work yet, so that a second `up` writes nothing.
async fn unless_it_works(stack: &Stack, user: &str, password: &SecretString) -> Option<SecretString> {
    match probe::postgres(&login(stack, user, password, DATABASE)).await {
        Ok(_) => None,
        Err(_) => Some(password.clone()),
    }
}

async fn make_topics(stack: Arc<Stack>) -> Result<String> {
    let config = KafkaConfig {
        brokers: stack.brokers(),
        ..KafkaConfig::default()
    };
    let report = topics::ensure(&config).await?;
    Ok(format!(
        "{} made, {} there",
        report.created.len(),
        report.existing.len()
    ))
}

async fn register_schemas(stack: Arc<Stack>) -> Result<String> {
    let config = RegistryConfig {
        url: stack.registry_url(),
        ..RegistryConfig::default()
    };
    let registered = schemas::register_all(&RegistryClient::new(&config)?).await?;
    Ok(format!("{} registered", registered.len()))
}

async fn apply_connector(stack: Arc<Stack>) -> Result<String> {
    let definition = Definition::built_in()?;
    let applied = stack.connector(&definition.name)?.apply(&definition.config).await?;
    wait_streaming(&stack).await?;
    let how = if applied.changed { "applied" } else { "as it should be" };
    Ok(format!("{how}: {}, streaming", applied.status))
}

/// What Connect says may be older than the database's last restart; the slot tells whether somebody reads it now.
async fn wait_streaming(stack: &Stack) -> Result<()> {
    const DEADLINE: Duration = Duration::from_secs(60);
    let client = probe::postgres(&login(stack, "postgres", &stack.secrets.postgres, DATABASE)).await?;
    let until = Instant::now() + DEADLINE;
    loop {
        let active: bool = client
            .query_opt(
                "select s.active from pg_catalog.pg_replication_slots as s where s.slot_name = $1",
                &[&SLOT],
            )
            .await?
            .is_some_and(|row| row.get(0));
        if active {
            return Ok(());
        }
        if Instant::now() >= until {
            bail!("the connector says that it runs but does not read slot {SLOT}; see `onhand logs connect`");
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
