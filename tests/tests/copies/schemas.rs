//! Readers of records whose schema changes.

use crate::story::{level, record, schema};
use anyhow::{Result, ensure};
use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use onhand_cdc::decode::split_frame;
use onhand_cdc::{Change, Decoder, RegistryClient, RegistryConfig, Table};
use onhand_tests::database::Database;
use onhand_tests::suite::{Body, must_find, test};
use serde_json::json;
use std::sync::Arc;
use uuid::Uuid;

pub(super) fn all() -> Vec<(String, Body)> {
    vec![test("f25_reader_without_defaults", without_defaults)]
}

/// A table gains a column, and records of both kinds stand in one topic.
async fn without_defaults(_: Arc<Database>) -> Result<()> {
    let (old, new) = (schema(&[]), schema(&[json!({"name": "colour", "type": "string"})]));
    let row = |version| level(Uuid::from_u128(25), version, 5);
    let records = [
        record(1, &old, &row(1))?,
        record(2, &new, &row(2))?,
        record(1, &old, &row(3))?,
    ];
    let check = |versions: &[i64]| {
        ensure!(versions == [1, 2, 3], "read of 3 records: {versions:?}");
        Ok(())
    };

    let written_by = [Schema::parse_str(&old)?, Schema::parse_str(&new)?];
    // The mistake: the reader wants the column, and does not say what stands for it where it is missing.
    let wanted = &written_by[1];
    let mut faulty = Vec::new();
    for (version, record) in (1..).zip(&records) {
        let (id, mut body) = split_frame(record.value.as_deref().unwrap_or_default())?;
        let writer = &written_by[usize::try_from(id)? - 1];
        let reader = GenericDatumReader::builder(writer).reader_schema(wanted).build()?;
        if reader.read_value(&mut body).is_ok() {
            faulty.push(version);
        }
    }
    must_find(check(&faulty), "read of 3 records: [2]")?;

    // Our rows do not know the column: they are those of a consumer that was built before it came.
    let decoder = Decoder::new(RegistryClient::new(&RegistryConfig::default())?);
    decoder.insert_schema(1, &old)?;
    decoder.insert_schema(2, &new)?;
    let mut ours = Vec::new();
    for record in &records {
        let value = record.value.as_deref().unwrap_or_default();
        if let Change::StockLevel(envelope) = decoder.decode(Table::StockLevel, value).await? {
            ours.extend(envelope.after.map(|row| row.version.get()));
        }
    }
    check(&ours)
}
