//! Documents: what a row looks like in the index.

use jiff::Timestamp;
use onhand_cdc::envelope::{ItemRow, StockLevelRow, StockMovementRow, StockSummaryRow, UNAVAILABLE};
use onhand_cdc::{Change, Envelope, Operation};
use uuid::Uuid;

use super::body;
use super::client::Document;
use super::index::Indexes;
use super::month::Month;
use crate::postgres::MovementLine;

/// A document that is not written out yet, since of the events of a batch only the newest of each row is.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    pub(super) name: Name,
    pub(super) version: i64,
    /// See [`Document`].
    pub(super) wins_ties: bool,
    body: Body<'a>,
}

/// Which document it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Name {
    index: String,
    id: String,
}

#[derive(Debug)]
enum Body<'a> {
    Item(Box<ItemRow>),
    Stock(&'a StockLevelRow),
    Summary(&'a StockSummaryRow),
    Movement(Box<MovementLine>),
    Gone,
}

impl<'a> Draft<'a> {
    fn new(index: &str, id: String, version: i64, body: Body<'a>) -> Result<Self, String> {
        let wins_ties = matches!(body, Body::Gone);
        if version <= 0 {
            return Err(no_version(version, wins_ties));
        }
        let index = index.to_owned();
        Ok(Self {
            name: Name { index, id },
            version,
            wins_ties,
            body,
        })
    }

    /// The document, or why there never will be one.
    pub(super) fn finish(self) -> Result<Document, String> {
        let Name { index, id } = self.name;
        let (version, ties) = (self.version, self.wins_ties);
        match self.body {
            Body::Item(row) => document(&index, id, version, ties, &body::Item::from(&*row)),
            Body::Stock(row) => document(&index, id, version, ties, &body::Stock::from(row)),
            Body::Summary(row) => document(&index, id, version, ties, &body::Summary::from(row)),
            Body::Movement(line) => document(&index, id, version, ties, &*line),
            Body::Gone => tombstone(&index, id, version),
        }
    }
}

/// The document of a change, or why there never will be one. None: the change says nothing that is kept, as a movement does not
/// that is older than the months since `oldest`, or that is removed from the ledger because of its age.
pub(super) fn draft_of<'a>(indexes: &Indexes, change: &'a Change, oldest: Month) -> Result<Option<Draft<'a>>, String> {
    match change {
        Change::Item(envelope) => of_item_change(indexes, envelope).map(Some),
        Change::StockLevel(envelope) => of_stock_change(indexes, envelope).map(Some),
        Change::StockSummary(envelope) => of_summary_change(indexes, envelope).map(Some),
        Change::StockMovement(envelope) => of_movement(indexes, envelope, oldest),
        _ => Err("the index takes changes of item, stock_level, stock_summary and stock_movement only".to_owned()),
    }
}

fn of_summary_change<'a>(indexes: &Indexes, envelope: &'a Envelope<StockSummaryRow>) -> Result<Draft<'a>, String> {
    let (row, body) = match envelope.op {
        Operation::Create | Operation::Update | Operation::Read => {
            let after = envelope.after.as_ref().ok_or("change without a new row")?;
            (after, Body::Summary(after))
        }
        Operation::Delete => (envelope.before.as_ref().ok_or("delete without an old row")?, Body::Gone),
        Operation::Truncate | Operation::Message => return Err(no_row(envelope.op)),
    };
    Draft::new(&indexes.summaries, row.item_id.to_string(), row.version.get(), body)
}

fn of_movement<'a>(
    indexes: &Indexes,
    envelope: &Envelope<StockMovementRow>,
    oldest: Month,
) -> Result<Option<Draft<'a>>, String> {
    match envelope.op {
        Operation::Create | Operation::Update | Operation::Read => {}
        Operation::Delete => return Ok(None),
        Operation::Truncate | Operation::Message => return Err(no_row(envelope.op)),
    }
    let row = envelope.after.as_ref().ok_or("change without a new row")?;
    let recorded_at = row.recorded_at.ok_or("movement without the instant of its recording")?;
    if Month::of(recorded_at) < oldest {
        return Ok(None);
    }
    let line = line_of(row, recorded_at);
    let index = indexes.month(Month::of(recorded_at));
    Draft::new(&index, movement_id(&line), line.version, Body::Movement(Box::new(line))).map(Some)
}

fn line_of(row: &StockMovementRow, recorded_at: Timestamp) -> MovementLine {
    MovementLine {
        item_id: row.item_id,
        location_id: row.location_id.clone(),
        version: row.version.get(),
        kind: row.kind.clone(),
        on_hand_delta: row.on_hand_delta,
        reserved_delta: row.reserved_delta,
        on_hand: row.on_hand,
        reserved: row.reserved,
        available: row.available,
        reason: row.reason.clone(),
        reference: row.reference.clone(),
        reservation_id: row.reservation_id,
        correlation_id: row.correlation_id.clone(),
        occurred_at: row.occurred_at,
        recorded_at,
        traceparent: row.traceparent.clone(),
    }
}

fn of_item_change<'a>(indexes: &Indexes, envelope: &Envelope<ItemRow>) -> Result<Draft<'a>, String> {
    let (id, version, body) = match envelope.op {
        Operation::Create | Operation::Update | Operation::Read => {
            let after = envelope.after.as_ref().ok_or("change without a new row")?;
            let row = with_unchanged(after, envelope.before.as_ref())?;
            (row.id, row.version, Body::Item(Box::new(row)))
        }
        Operation::Delete => {
            let before = envelope.before.as_ref().ok_or("delete without an old row")?;
            (before.id, before.version, Body::Gone)
        }
        Operation::Truncate | Operation::Message => return Err(no_row(envelope.op)),
    };
    Draft::new(&indexes.items, id.to_string(), version.get(), body)
}

fn of_stock_change<'a>(indexes: &Indexes, envelope: &'a Envelope<StockLevelRow>) -> Result<Draft<'a>, String> {
    let (row, body) = match envelope.op {
        Operation::Create | Operation::Update | Operation::Read => {
            let after = envelope.after.as_ref().ok_or("change without a new row")?;
            (after, Body::Stock(after))
        }
        Operation::Delete => (envelope.before.as_ref().ok_or("delete without an old row")?, Body::Gone),
        Operation::Truncate | Operation::Message => return Err(no_row(envelope.op)),
    };
    let id = stock_id(row.item_id, &row.location_id);
    Draft::new(&indexes.stock, id, row.version.get(), body)
}

fn no_row(op: Operation) -> String {
    format!("operation {op:?} says nothing about a row")
}

fn no_version(version: i64, deletes: bool) -> String {
    if deletes {
        "delete without a row version".to_owned()
    } else {
        format!("version {version} is none")
    }
}

fn stock_id(item: Uuid, location: &str) -> String {
    format!("{item}:{location}")
}

fn movement_id(line: &MovementLine) -> String {
    format!("{}:{}:{}", line.item_id, line.location_id, line.version)
}

/// A large column that did not change may come as a placeholder. The old row then has its value;
/// without one the event must not be applied, since it would erase what is there.
fn with_unchanged(after: &ItemRow, before: Option<&ItemRow>) -> Result<ItemRow, String> {
    let missing = |text: &Option<String>| text.as_deref() == Some(UNAVAILABLE);
    let no_tags = |row: &ItemRow| row.tags.iter().any(|tag| tag == UNAVAILABLE);
    let mut row = after.clone();
    if let Some(before) = before {
        if missing(&row.description) {
            row.description.clone_from(&before.description);
        }
        if missing(&row.dimensions) {
            row.dimensions.clone_from(&before.dimensions);
        }
        if missing(&row.metadata) {
            row.metadata.clone_from(&before.metadata);
        }
        if no_tags(&row) {
            row.tags.clone_from(&before.tags);
        }
    }
    let unknown = missing(&row.description)
        || missing(&row.dimensions)
        || missing(&row.metadata)
        || no_tags(&row)
        || row.name == UNAVAILABLE;
    if unknown {
        return Err("an unchanged large column is missing and the old row has it neither".to_owned());
    }
    Ok(row)
}

/// The document of an item.
pub(crate) fn item(indexes: &Indexes, row: &ItemRow) -> Result<Document, String> {
    let id = row.id.to_string();
    document(&indexes.items, id, row.version.get(), false, &body::Item::from(row))
}

/// The document of a stock level.
pub(crate) fn stock(indexes: &Indexes, row: &StockLevelRow) -> Result<Document, String> {
    let id = stock_id(row.item_id, &row.location_id);
    document(&indexes.stock, id, row.version.get(), false, &body::Stock::from(row))
}

/// The document of a summary.
pub(crate) fn summary(indexes: &Indexes, row: &StockSummaryRow) -> Result<Document, String> {
    let (id, body) = (row.item_id.to_string(), body::Summary::from(row));
    document(&indexes.summaries, id, row.version.get(), false, &body)
}

/// The document of a movement. It never changes, so any version guards it; that of the row after it is at hand.
pub(crate) fn movement(indexes: &Indexes, line: &MovementLine) -> Result<Document, String> {
    let id = movement_id(line);
    let index = indexes.month(Month::of(line.recorded_at));
    document(&index, id, line.version, false, line)
}

/// What stays of a deleted row: its version, for good. (The engine's own memory of a delete lasts
/// a minute; an older event that comes later would bring the row back.)
pub(crate) fn tombstone(index: &str, id: String, version: i64) -> Result<Document, String> {
    document(index, id, version, true, &body::Tombstone::new(version))
}

fn document(
    index: &str,
    id: String,
    version: i64,
    wins_ties: bool,
    body: &impl serde::Serialize,
) -> Result<Document, String> {
    if version <= 0 {
        return Err(no_version(version, wins_ties));
    }
    Ok(Document {
        index: index.to_owned(),
        id,
        version,
        wins_ties,
        is_copy: false,
        body: serde_json::to_string(body).map_err(|error| error.to_string())?,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use onhand_cdc::{RowVersion, Source};
    use serde_json::Value;

    use super::*;

    fn row(version: i64) -> ItemRow {
        ItemRow {
            id: Uuid::from_u128(1),
            sku: "A-1".to_owned(),
            name: "Crème brûlée".to_owned(),
            description: Some("long text".to_owned()),
            kind: "physical".to_owned(),
            parent_id: None,
            category_id: None,
            unit_of_measure: "EACH".to_owned(),
            tags: vec!["Été".to_owned()],
            dimensions: None,
            metadata: Some(r#"{"a":1}"#.to_owned()),
            status: "active".to_owned(),
            version: RowVersion::new(version),
            created_at: None,
            updated_at: None,
        }
    }

    fn change(op: Operation, before: Option<ItemRow>, after: Option<ItemRow>) -> Change {
        Change::Item(Box::new(Envelope {
            before,
            after,
            source: Source {
                ts_ms: 1,
                ts_us: None,
                lsn: None,
                tx_id: None,
                snapshot: None,
            },
            op,
            ts_ms: None,
            transaction: None,
        }))
    }

    fn made(change: &Change) -> Result<Document, String> {
        let oldest = Month::of("2026-10-01T00:00:00Z".parse().unwrap());
        draft_of(&Indexes::new("onhand-"), change, oldest).and_then(|draft| draft.unwrap().finish())
    }

    fn body(change: &Change) -> Value {
        serde_json::from_str(&made(change).unwrap().body).unwrap()
    }

    #[test]
    fn text_is_kept_and_folded_beside_it() {
        let body = body(&change(Operation::Create, None, Some(row(1))));
        assert_eq!(body["name"], "Crème brûlée");
        assert_eq!(body["name_folded"], "creme brulee");
        assert_eq!(body["tags_folded"][0], "ete");
        assert_eq!(body["metadata"]["a"], 1);
    }

    #[test]
    fn a_placeholder_takes_the_old_value() {
        let after = ItemRow {
            description: Some(UNAVAILABLE.to_owned()),
            tags: vec![UNAVAILABLE.to_owned()],
            ..row(2)
        };
        let body = body(&change(Operation::Update, Some(row(1)), Some(after)));
        assert_eq!(body["description"], "long text");
        assert_eq!(body["tags"][0], "Été");
    }

    #[test]
    fn a_placeholder_without_an_old_value_is_refused() {
        let after = ItemRow {
            description: Some(UNAVAILABLE.to_owned()),
            ..row(2)
        };
        let change = change(Operation::Update, None, Some(after));
        let error = made(&change).unwrap_err();
        assert!(error.contains("large column"), "{error}");
    }

    #[test]
    fn a_delete_leaves_a_tombstone_with_the_version_of_the_row() {
        let deletion = change(Operation::Delete, Some(row(7)), None);
        let document = made(&deletion).unwrap();
        assert_eq!((document.version, document.wins_ties), (7, true));
        let nameless = change(Operation::Delete, Some(row(0)), None);
        let error = made(&nameless).unwrap_err();
        assert_eq!(error, "delete without a row version");
    }
}
