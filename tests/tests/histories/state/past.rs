//! What readers of the past are told, against what the model knows of it.

use crate::model::{Key, Level, Model, States};
use anyhow::{Result, ensure};
use std::collections::BTreeMap;
use tokio_postgres::{Client, Row};

/// On hand, reserved, available, in transit, backordered, damaged, incoming.
type Counts = [i64; 7];

fn counts(row: &Row) -> Counts {
    std::array::from_fn(|column| row.get(column))
}

/// What the counts of a level must be. Once minutes went by, holds and lots that are over by now may have been over then, as the server
/// sees it: what they keep is left out.
fn right(model: &Model, key: &Key, states: States, found: Counts) -> Counts {
    let timeless = model.minute > 0;
    let of_lots = timeless && model.items[&key.0].by_lot;
    [
        if of_lots { found[0] } else { states.on_hand },
        if timeless { found[1] } else { states.reserved },
        if timeless { found[2] } else { states.available() },
        states.in_transit,
        if timeless { found[4] } else { states.backordered },
        if of_lots { found[5] } else { states.damaged },
        states.incoming,
    ]
}

/// The levels as they were after an earlier step.
pub(crate) async fn compare(client: &Client, model: &Model, at: &str, levels: &BTreeMap<Key, Level>) -> Result<()> {
    for (key, level) in levels {
        let row = client
            .query_one(
                "select on_hand, reserved, available, in_transit, backordered, damaged, incoming, version, policy \
                 from api.get_stock_level($1, $2, as_of => $3::text::timestamptz)",
                &[&key.0, &key.1, &at],
            )
            .await?;
        let found: (Counts, i64, String) = (counts(&row), row.get(7), row.get(8));
        let right = (
            right(model, key, level.states, found.0),
            level.version,
            level.policy.clone(),
        );
        ensure!(
            found == right,
            "as of {at}, {key:?} was {right:?}, the answer is {found:?}"
        );
    }
    Ok(())
}

/// The same by what is known today: with what had happened by then and was told later.
pub(crate) async fn compare_by_occurrence(client: &Client, model: &Model, at: &str) -> Result<()> {
    let position = model.facts.position(at);
    for key in model.levels.keys() {
        let row = client
            .query_opt(
                "select on_hand, reserved, available, in_transit, backordered, damaged, incoming \
                 from api.get_stock_as_of($1, $3::text::timestamptz, $2, by => 'occurred')",
                &[&key.0, &key.1, &at],
            )
            .await?;
        let found = row.as_ref().map(counts);
        let known = model.facts.known_of(key, position);
        let right = known.map(|states| right(model, key, states, found.unwrap_or_default()));
        ensure!(
            found == right,
            "by what is known today {key:?} was {right:?} at {at}, the answer is {found:?}"
        );
    }
    Ok(())
}
