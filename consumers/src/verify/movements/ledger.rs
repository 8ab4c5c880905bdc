//! What the ledger has of the movements of a month.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::VerifyError;
use super::super::report::Place;
use super::super::search::Expected;
use super::super::source::Source;
use super::sums::{ItemKey, RANGE, RangeKey, Sums, columns, of_row};
use super::{Part, Range};
use crate::postgres::{MovementKey, MovementLine, MovementPart, movements_by_key, movements_of_item};
use crate::search::Month;

/// From one instant to another one.
pub(super) type Span = (Timestamp, Timestamp);

impl Source {
    /// Sums of the items of a range.
    pub(super) async fn item_sums(&self, span: Span, range: Range) -> Result<BTreeMap<ItemKey, Sums>, VerifyError> {
        let query = format!(
            "select m.item_id::text, m.type, {} from inventory.stock_movement as m \
             where m.recorded_at >= $1 and m.recorded_at < $2 and m.item_id > $3 and m.item_id <= $4 \
             group by m.item_id, m.type",
            columns()
        );
        let client = self.client().await?;
        let statement = client.prepare_cached(&query).await?;
        let last = range.last.unwrap_or_else(Uuid::max);
        let rows = client
            .query(&statement, &[&span.0, &span.1, &range.after, &last])
            .await?;
        rows.iter()
            .map(|row| Ok(((row.try_get(0)?, row.try_get(1)?), of_row(row, 2)?)))
            .collect()
    }

    /// Sums of the buckets of one item.
    pub(super) async fn range_sums(&self, span: Span, item: Uuid) -> Result<BTreeMap<RangeKey, Sums>, VerifyError> {
        let query = format!(
            "select m.location_id, m.version / {RANGE} * {RANGE}, m.type, {} from inventory.stock_movement as m \
             where m.recorded_at >= $1 and m.recorded_at < $2 and m.item_id = $3 \
             group by 1, 2, 3",
            columns()
        );
        let client = self.client().await?;
        let statement = client.prepare_cached(&query).await?;
        let rows = client.query(&statement, &[&span.0, &span.1, &item]).await?;
        rows.iter()
            .map(|row| {
                Ok((
                    (Some(row.try_get(0)?), Some(row.try_get(1)?), row.try_get(2)?),
                    of_row(row, 3)?,
                ))
            })
            .collect()
    }

    /// What the documents of a part of an item should be.
    pub(super) async fn part_documents(
        &self,
        month: Month,
        span: Span,
        item: Uuid,
        part: &Part,
    ) -> Result<Vec<Expected>, VerifyError> {
        let (location_id, versions) = match part {
            Part::Whole => (None, (0, i64::MAX)),
            Part::Bucket(Some(location), Some(first)) => {
                (Some(location.as_str()), (*first, first.saturating_add(RANGE)))
            }
            // No row lacks its key.
            Part::Bucket(..) => return Ok(Vec::new()),
        };
        let asked = MovementPart {
            item_id: item,
            location_id,
            versions,
        };
        let client = self.client().await?;
        let rows = movements_of_item(&client, span, asked, 2 * RANGE).await?;
        Ok(rows.iter().map(|line| expected(month, line)).collect())
    }

    /// The movements that documents of a month should be of, by the ids of the documents. None if the ledger no longer has the month:
    /// then nothing is known about them.
    pub(in super::super) async fn movements<T: AsRef<str>>(
        &self,
        month: Month,
        ids: &[T],
    ) -> Result<Option<HashMap<String, MovementLine>>, VerifyError> {
        let Some(span) = month.span() else { return Ok(None) };
        let keys: Vec<MovementKey<'_>> = ids.iter().filter_map(|id| key(id.as_ref())).collect();
        let client = self.client().await?;
        let rows = movements_by_key(&client, span, &keys).await?;
        drop(client);
        // Asked afterwards: a month that is retired in between is seen here.
        if self.retired().await?.contains(&month.to_string()) {
            return Ok(None);
        }
        Ok(Some(rows.into_iter().map(|line| (id(&line), line)).collect()))
    }

    /// Months that the ledger no longer has, as they are called in the names of indexes.
    pub(super) async fn retired(&self) -> Result<HashSet<String>, VerifyError> {
        let client = self.client().await?;
        let statement = client
            .prepare_cached("select to_char(r.month, 'YYYY.MM') from inventory.retired_partition as r")
            .await?;
        let rows = client.query(&statement, &[]).await?;
        Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
    }
}

fn id(line: &MovementLine) -> String {
    format!("{}:{}:{}", line.item_id, line.location_id, line.version)
}

/// The key that the id of a document names.
fn key(id: &str) -> Option<MovementKey<'_>> {
    let (item, rest) = id.split_once(':')?;
    let (location_id, version) = rest.rsplit_once(':')?;
    Some(MovementKey {
        item_id: item.parse().ok()?,
        location_id,
        version: version.parse().ok()?,
    })
}

/// The document of a movement.
pub(in super::super) fn expected(month: Month, line: &MovementLine) -> Expected {
    let fields: Value = json!({
        "item_id": line.item_id,
        "location_id": line.location_id,
        "version": line.version,
        "type": line.kind,
        "on_hand_delta": line.on_hand_delta,
        "reserved_delta": line.reserved_delta,
        "on_hand": line.on_hand,
        "reserved": line.reserved,
        "available": line.available,
        "reason": line.reason,
        "reference": line.reference,
        "reservation_id": line.reservation_id,
        "correlation_id": line.correlation_id,
        "traceparent": line.traceparent,
    });
    Expected {
        place: Place::Movements(month),
        id: id(line),
        version: line.version,
        fields,
        times: vec![
            ("occurred_at", line.occurred_at),
            ("recorded_at", Some(line.recorded_at)),
        ],
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::super::report::Kind;
    use super::super::super::search::{Doc, judge};
    use super::*;
    use crate::search::{Indexes, movement_document};

    fn line() -> MovementLine {
        MovementLine {
            item_id: Uuid::from_u128(7),
            location_id: "W:1".to_owned(),
            version: 12,
            kind: "receipt".to_owned(),
            on_hand_delta: 3,
            reserved_delta: 0,
            on_hand: 9,
            reserved: 4,
            available: 5,
            reason: Some("counted".to_owned()),
            reference: None,
            reservation_id: Some(Uuid::from_u128(8)),
            correlation_id: None,
            occurred_at: Some("2026-11-01T08:00:00.123456Z".parse().unwrap()),
            recorded_at: "2026-11-01T08:00:01.5Z".parse().unwrap(),
            traceparent: None,
        }
    }

    #[test]
    fn an_id_names_its_movement_whatever_its_location_is_called() {
        let line = line();
        let id = id(&line);
        let key = key(&id).unwrap();
        assert_eq!(
            (key.item_id, key.location_id, key.version),
            (line.item_id, line.location_id.as_str(), line.version)
        );
        for strange in ["nonsense", "a:b", "a:b:1", &format!("{}:W", line.item_id)] {
            assert!(super::key(strange).is_none(), "{strange}");
        }
    }

    #[test]
    fn what_the_sink_writes_is_what_is_expected_and_every_other_value_differs() {
        let line = line();
        let month = Month::of(line.recorded_at);
        let written = movement_document(&Indexes::new("onhand-"), &line).unwrap();
        let expected = expected(month, &line);
        assert_eq!(written.id, expected.id);
        let doc = Doc {
            id: written.id,
            version: written.version,
            source: serde_json::from_str(&written.body).unwrap(),
            place: None,
        };
        let kind = |doc: &Doc| judge(expected.place, &doc.id, Some(&expected), Some(doc)).map(|finding| finding.kind);
        assert_eq!(kind(&doc), None);
        for name in doc.source.as_object().unwrap().keys() {
            let mut wrong = doc.clone();
            wrong
                .source
                .as_object_mut()
                .unwrap()
                .insert(name.clone(), json!("wrong"));
            assert_eq!(kind(&wrong), Some(Kind::Changed), "{name}");
        }
    }
}
