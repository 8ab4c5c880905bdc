//! Whether indexes are being built beside the live ones, which then get every change too.
//!
//! Nobody tells a consumer. It looks, and trusts a look for a second: no write begins on the word of an older one. So whoever builds
//! an index knows that from some seconds after its alias was made, every change is written to it, and reads Postgres only then.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::client::{Client, ClientError, Document, DocumentResult};
use super::index::{self, Indexes, next_of};

/// For how long a look is trusted.
pub(super) const TRUST: Duration = Duration::from_secs(1);

/// What the last look said.
#[derive(Debug, Default)]
struct Look {
    at: Option<Instant>,
    aliases: HashSet<String>,
}

/// The indexes under construction, as this process knows them.
#[derive(Debug, Default)]
pub(super) struct Beside {
    look: Mutex<Look>,
}

impl Beside {
    /// Looks, if the last look is too old.
    pub(super) async fn refresh(&self, client: &Client, indexes: &Indexes) -> Result<(), ClientError> {
        let is_fresh = |look: &Look| look.at.is_some_and(|at| at.elapsed() < TRUST);
        if is_fresh(&self.look.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(());
        }
        // Before the question, because the answer may be as old as that.
        let at = Instant::now();
        let found = index::behind(client, &indexes.all_next()).await?;
        let mut look = self.look.lock().unwrap_or_else(PoisonError::into_inner);
        look.aliases = found.into_values().flatten().collect();
        look.at = Some(at);
        Ok(())
    }

    /// The next look asks.
    pub(super) fn forget(&self) {
        self.look.lock().unwrap_or_else(PoisonError::into_inner).at = None;
    }

    /// The documents, each followed by its copy for an index under construction. None if nothing is built of theirs.
    pub(super) fn with_copies(&self, documents: &[Document]) -> Option<Vec<Document>> {
        let look = self.look.lock().unwrap_or_else(PoisonError::into_inner);
        let copy = |document: &Document| {
            let index = next_of(&document.index);
            look.aliases.contains(&index).then(|| Document {
                index,
                is_copy: true,
                ..document.clone()
            })
        };
        if look.aliases.is_empty() {
            return None;
        }
        let all: Vec<Document> = documents
            .iter()
            .flat_map(|document| std::iter::once(document.clone()).chain(copy(document)))
            .collect();
        (all.len() > documents.len()).then_some(all)
    }
}

/// What became of a document that was written twice: the live index decides, but a change that the other did not take now is
/// written again.
pub(super) fn merged(live: DocumentResult, copy: DocumentResult) -> DocumentResult {
    match (live, copy) {
        (live @ (DocumentResult::Written | DocumentResult::Stale), DocumentResult::Busy(reason)) => {
            tracing::debug!(?live, "written again for the index under construction");
            DocumentResult::Busy(reason)
        }
        (live, DocumentResult::Refused(reason)) => {
            tracing::warn!(error = reason, "the index under construction refuses a document");
            live
        }
        (live, _) => live,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    fn document(index: &str) -> Document {
        Document {
            index: index.to_owned(),
            id: "1".to_owned(),
            version: 1,
            wins_ties: false,
            is_copy: false,
            body: "{}".to_owned(),
        }
    }

    #[test]
    fn only_what_is_built_gets_a_copy() {
        let beside = Beside::default();
        let documents = [document("onhand-items"), document("onhand-stock")];
        assert!(beside.with_copies(&documents).is_none());
        beside.look.lock().unwrap_or_else(PoisonError::into_inner).aliases =
            HashSet::from(["onhand-items-next".to_owned()]);
        let [items, stock] = documents.clone();
        let copy = Document {
            index: "onhand-items-next".to_owned(),
            is_copy: true,
            ..items.clone()
        };
        assert_eq!(beside.with_copies(&documents).unwrap(), [items, copy, stock]);
        assert!(beside.with_copies(&documents[1..]).is_none());
    }

    #[test]
    fn the_live_index_decides_but_a_busy_copy_is_tried_again() {
        let busy = || DocumentResult::Busy("later".to_owned());
        let refused = || DocumentResult::Refused("never".to_owned());
        assert_eq!(merged(DocumentResult::Written, busy()), busy());
        assert_eq!(merged(DocumentResult::Written, refused()), DocumentResult::Written);
        // The swap happened between the two.
        assert_eq!(
            merged(DocumentResult::Written, DocumentResult::NoIndex),
            DocumentResult::Written
        );
        assert_eq!(merged(refused(), DocumentResult::Written), refused());
    }
}
