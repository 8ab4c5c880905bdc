//! The rule of the table subjects.
//!
//! The connector registers the schema of a table by itself, the first one with the table's first record, so the rule cannot be
//! set beforehand: a registry knows rules of subjects that it has. It is set as soon as the subject is there, and from then
//! on a change of the table that readers of older records could not follow is refused: the connector's task fails and says so,
//! and nothing that nobody can read gets into the topic.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::registry::{RegistryClient, RegistryError};
use crate::topics::TABLE_PREFIX;

/// Sets the rule of every table subject that is not among the `guarded`, and takes it in. One that is gone from the registry
/// is forgotten: it may come back without its rule. Answers how many were set.
///
/// # Errors
/// The registry is away or refuses; those before are set.
pub async fn guard_tables(registry: &RegistryClient, guarded: &mut BTreeSet<String>) -> Result<usize, RegistryError> {
    let present: BTreeSet<String> = registry
        .subjects()
        .await?
        .into_iter()
        .filter(|subject| of_table(subject))
        .collect();
    guarded.retain(|subject| present.contains(subject));
    let mut set = 0;
    for subject in present {
        if !guarded.contains(&subject) {
            registry.set_compatibility(&subject).await?;
            guarded.insert(subject);
            set += 1;
        }
    }
    Ok(set)
}

/// Guards what comes until the token is cancelled.
pub async fn watch(registry: &RegistryClient, interval: Duration, token: CancellationToken) {
    let mut guarded = BTreeSet::new();
    let mut quiet = false;
    loop {
        match guard_tables(registry, &mut guarded).await {
            Ok(set) => {
                quiet = false;
                if set > 0 {
                    tracing::info!(subjects = set, "table schemas must stay readable from now on");
                }
            }
            // It may be away for long: said once.
            Err(error) if !quiet => {
                tracing::warn!(%error, "the rule of table schemas could not be set, it is tried again");
                quiet = true;
            }
            Err(_) => {}
        }
        tokio::select! {
            () = token.cancelled() => return,
            () = tokio::time::sleep(interval) => {}
        }
    }
}

/// Values only: the key of a table is its primary key, which does not change.
fn of_table(subject: &str) -> bool {
    subject
        .strip_prefix(TABLE_PREFIX)
        .is_some_and(|rest| rest.starts_with('.') && rest.ends_with("-value"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_values_of_tables_are_guarded() {
        assert!(of_table("onhand.inventory.item-value"));
        for other in [
            "onhand.inventory.item-key",
            "inventory.state-value",
            "onhand.transaction-value",
        ] {
            assert!(!of_table(other), "{other}");
        }
    }
}
