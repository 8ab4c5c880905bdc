//! Connect and the schema registry.

use anyhow::Result;
use onhand_cdc::connect::{ConnectError, ConnectorStatus, State};
use onhand_cdc::{RegistryClient, RegistryConfig, schemas};

use super::Finding;
use crate::connector::Definition;
use crate::stack::parts::{DATABASE, login};
use crate::stack::{Stack, probe};

const CONNECTOR: &str = "connector";

pub(super) async fn check(stack: &Stack) -> Result<Vec<Finding>> {
    let (connector, offsets, registry) = tokio::join!(connector(stack), offsets(stack), registry(stack));
    Ok(vec![connector?, offsets?, registry?])
}

/// What the connector has read can not lie behind the end of the log, unless this is the log of another history.
async fn offsets(stack: &Stack) -> Result<Finding> {
    const WHAT: &str = "offsets";
    let stored = match stack.connector(&Definition::built_in()?.name)?.stored_lsn().await {
        Ok(Some(stored)) => stored,
        Ok(None) => return Ok(Finding::ok(WHAT, "nothing read yet")),
        Err(error) => return Ok(Finding::warn(WHAT, error.to_string(), "onhand connect status")),
    };
    let client = probe::postgres(&login(stack, "postgres", &stack.secrets.postgres, DATABASE)).await?;
    let end: i64 = client
        .query_one(
            "select pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), '0/0')::bigint",
            &[],
        )
        .await?
        .get(0);
    let end = u64::try_from(end)?;
    Ok(if stored > end {
        Finding::fail(
            WHAT,
            format!(
                "the connector has read up to {stored:#x}, the log of this database ends at {end:#x}: it was restored"
            ),
            "onhand recover --reason \"...\"",
        )
    } else {
        Finding::ok(WHAT, format!("read up to {stored:#x}"))
    })
}

async fn connector(stack: &Stack) -> Result<Finding> {
    let definition = Definition::built_in()?;
    Ok(match stack.connector(&definition.name)?.status().await {
        Ok(status) => of_status(&status),
        Err(ConnectError::NotFound(_)) => Finding::fail(CONNECTOR, "does not exist", "onhand connect apply"),
        Err(error) => Finding::fail(CONNECTOR, error.to_string(), "onhand up connect"),
    })
}

fn of_status(status: &ConnectorStatus) -> Finding {
    if status.is_running() {
        return Finding::ok(CONNECTOR, status.to_string());
    }
    // Somebody has stopped it, and a restart leaves it as it is.
    if matches!(status.connector.state, State::Paused | State::Stopped) {
        return Finding::fail(CONNECTOR, status.to_string(), "onhand connect resume");
    }
    let trace = status.failure().unwrap_or_default();
    let cause = trace.lines().next().unwrap_or_default();
    Finding::fail(
        CONNECTOR,
        format!("{status} {cause}"),
        "onhand connect restart; if it fails again: onhand logs connect",
    )
}

async fn registry(stack: &Stack) -> Result<Finding> {
    const WHAT: &str = "registry";
    let config = RegistryConfig {
        url: stack.registry_url(),
        ..RegistryConfig::default()
    };
    let subjects = match RegistryClient::new(&config)?.subjects().await {
        Ok(subjects) => subjects,
        Err(error) => return Ok(Finding::fail(WHAT, error.to_string(), "onhand up registry")),
    };
    let missing: Vec<String> = schemas::FILES
        .iter()
        .map(schemas::SchemaFile::subject)
        .filter(|subject| !subjects.contains(subject))
        .collect();
    Ok(if missing.is_empty() {
        Finding::ok(WHAT, format!("{} subjects", subjects.len()))
    } else {
        Finding::fail(WHAT, format!("without {}", missing.join(", ")), "onhand connect apply")
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::stack::doctor::Level;
    use serde_json::json;

    #[test]
    fn a_connector_is_restarted_only_if_nobody_has_stopped_it() {
        let finding = |connector: &str, tasks: &[&str]| {
            let tasks: Vec<_> = tasks.iter().map(|state| json!({"state": state})).collect();
            let status = json!({"name": "onhand", "connector": {"state": connector}, "tasks": tasks});
            of_status(&serde_json::from_value(status).unwrap())
        };
        for found in [finding("PAUSED", &["PAUSED"]), finding("STOPPED", &[])] {
            assert_eq!(
                (found.level, found.fix.as_str()),
                (Level::Fail, "onhand connect resume")
            );
        }
        let failed = finding("RUNNING", &["FAILED"]);
        assert!(
            failed.level == Level::Fail && failed.fix.starts_with("onhand connect restart"),
            "{failed:?}"
        );
        assert_eq!(finding("RUNNING", &["RUNNING"]).level, Level::Ok);
    }
}
