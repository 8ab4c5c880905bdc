//! What was fast must also be right: some rows are compared with what the backlog ends with.

use anyhow::{Context, Result, bail};
use onhand_consumers::cache::{Keys, StockRow};
use serde_json::{Value, json};

use super::backlog::Backlog;
use super::site::{Place, Site};
use super::template::Level;

/// Redis has the last version of each level that is looked at.
pub(super) fn redis(site: &Site, backlog: &Backlog, place: &Place) -> Result<()> {
    let keys = Keys::new(&place.redis.key_prefix);
    let mut pipeline = redis::Pipeline::with_capacity(backlog.last.len());
    for level in &backlog.last {
        pipeline
            .cmd("HGET")
            .arg(keys.item(level.item))
            .arg(format!("row:{}", level.location));
    }
    let rows: Vec<Option<String>> = pipeline.query(&mut site.redis()?)?;
    for (level, row) in backlog.last.iter().zip(&rows) {
        let row = row
            .as_deref()
            .with_context(|| format!("Redis has no row of {level:?}"))?;
        let row = StockRow::parse(&level.location, row)?;
        if !is_row(level, &row) {
            bail!("Redis has {row:?} instead of {level:?}");
        }
    }
    Ok(())
}

fn is_row(level: &Level, row: &StockRow) -> bool {
    (row.version.get(), row.on_hand, row.reserved) == (level.version, level.on_hand, level.reserved)
}

/// So has Elasticsearch.
pub(super) async fn elasticsearch(site: &Site, backlog: &Backlog, place: &Place) -> Result<()> {
    let config = &place.elasticsearch;
    let url = format!(
        "{}/{}stock/_mget",
        config.url.trim_end_matches('/'),
        config.index_prefix
    );
    let ids: Vec<String> = backlog
        .last
        .iter()
        .map(|level| format!("{}:{}", level.item, level.location))
        .collect();
    let answer = site.http.post(url).json(&json!({"ids": ids})).send().await?;
    let answer: Value = answer.error_for_status()?.json().await?;
    let documents = answer
        .get("docs")
        .and_then(Value::as_array)
        .context("an answer without documents")?;
    if documents.len() != backlog.last.len() {
        bail!("{} documents for {} ids", documents.len(), backlog.last.len());
    }
    for (level, document) in backlog.last.iter().zip(documents) {
        if !is_document(level, document) {
            bail!("Elasticsearch has {document} instead of {level:?}");
        }
    }
    Ok(())
}

fn is_document(level: &Level, document: &Value) -> bool {
    let number = |pointer: &str| document.pointer(pointer).and_then(Value::as_i64);
    number("/_version") == Some(level.version)
        && number("/_source/on_hand") == Some(level.on_hand)
        && number("/_source/reserved") == Some(level.reserved)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::template::tests::level;
    use super::*;

    #[test]
    fn an_older_row_or_document_is_noticed() {
        let (old, new) = (level(1), level(2));
        let row = |level: &Level| {
            let text = format!(
                "{} {} {} 0 0 0 0 0 0 in_stock - 0",
                level.version, level.on_hand, level.reserved
            );
            StockRow::parse(&level.location, &text).unwrap()
        };
        assert!(is_row(&new, &row(&new)) && !is_row(&new, &row(&old)));
        let document = |level: &Level| json!({"_version": level.version, "_source": {"on_hand": level.on_hand, "reserved": level.reserved}});
        assert!(is_document(&new, &document(&new)) && !is_document(&new, &document(&old)));
        assert!(!is_document(&new, &json!({"found": false})));
    }
}
