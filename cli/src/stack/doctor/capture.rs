//! Connect and the schema registry.

use anyhow::Result;
use onhand_cdc::{ConnectConfig, RegistryClient, RegistryConfig, connect, schemas};

use super::Finding;
use crate::connector::Definition;
use crate::stack::Stack;

pub(super) async fn check(stack: &Stack) -> Result<Vec<Finding>> {
    let (connector, registry) = tokio::join!(connector(stack), registry(stack));
    Ok(vec![connector?, registry?])
}

async fn connector(stack: &Stack) -> Result<Finding> {
    const WHAT: &str = "connector";
    const FIX: &str = "onhand connect restart; if it fails again: onhand logs connect";
    let config = ConnectConfig {
        url: stack.connect_url(),
        ..ConnectConfig::default()
    };
    let definition = Definition::built_in()?;
    Ok(match connect::status(&config, &definition.name).await {
        Ok(status) if status.is_running() => Finding::ok(WHAT, status.to_string()),
        Ok(status) => {
            let trace = status.failure().unwrap_or_default();
            let cause = trace.lines().next().unwrap_or_default();
            Finding::fail(WHAT, format!("{status} {cause}"), FIX)
        }
        Err(connect::ConnectError::NotFound(_)) => Finding::fail(WHAT, "does not exist", "onhand connect apply"),
        Err(error) => Finding::fail(WHAT, error.to_string(), "onhand up connect"),
    })
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
