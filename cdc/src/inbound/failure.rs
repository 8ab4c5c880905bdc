//! `inventory.stock.failures`: the answer to a command that was refused.

use std::sync::OnceLock;

use apache_avro::Schema;
use apache_avro::types::Value;
use apache_avro::writer::datum::GenericDatumWriter;
use jiff::Timestamp;

use crate::{schemas, topics};

/// A failure could not be put into Avro, which only a mistake in the contract can bring about.
#[derive(Debug, thiserror::Error)]
#[error("a failure does not fit its contract: {0}")]
pub struct EncodeError(String);

/// A command that was refused (`schemas/stock/v*_stock_failure.avsc`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockFailure {
    /// Id of the command.
    pub command_id: String,
    /// What was asked for.
    pub command_type: String,
    /// SQLSTATE of the refusal.
    pub code: String,
    /// The same as a word.
    pub slug: String,
    /// The same as a sentence.
    pub message: String,
    /// What the rule looked at.
    pub detail: Option<serde_json::Value>,
    /// Correlation of the command.
    pub correlation_id: Option<String>,
    /// Topic of the command.
    pub original_topic: String,
    /// Its partition.
    pub original_partition: i32,
    /// Its offset.
    pub original_offset: i64,
    /// Its key.
    pub original_key: Option<Vec<u8>>,
    /// Its value.
    pub original_value: Option<Vec<u8>>,
    /// When it was refused.
    pub failed_at: Timestamp,
}

impl StockFailure {
    /// The Avro body; the frame around it needs the id that the registry gave the contract.
    ///
    /// # Errors
    /// If it does not fit the contract.
    pub fn encode(self) -> Result<Vec<u8>, EncodeError> {
        let schema = schema().ok_or_else(|| EncodeError("the contract is no Avro".to_owned()))?;
        GenericDatumWriter::builder(schema)
            .build()
            .and_then(|writer| writer.write_value_to_vec(self.into_value()))
            .map_err(|error| EncodeError(error.to_string()))
    }

    fn into_value(self) -> Value {
        let place = format!(
            "{}/{}/{}",
            self.original_topic, self.original_partition, self.original_offset
        );
        let fields = [
            ("failure_id", Value::String(place)),
            ("command_id", Value::String(self.command_id)),
            ("command_type", Value::String(self.command_type)),
            ("code", Value::String(self.code)),
            ("slug", Value::String(self.slug)),
            ("message", Value::String(self.message)),
            (
                "detail",
                nullable(self.detail.map(|detail| Value::String(detail.to_string()))),
            ),
            ("correlation_id", nullable(self.correlation_id.map(Value::String))),
            ("original_topic", Value::String(self.original_topic)),
            ("original_partition", Value::Int(self.original_partition)),
            ("original_offset", Value::Long(self.original_offset)),
            ("original_key", nullable(self.original_key.map(Value::Bytes))),
            ("original_value", nullable(self.original_value.map(Value::Bytes))),
            ("failed_at", Value::TimestampMillis(self.failed_at.as_millisecond())),
        ];
        Value::Record(
            fields
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        )
    }
}

/// The unions of the contract have null first.
fn nullable(value: Option<Value>) -> Value {
    match value {
        None => Value::Union(0, Box::new(Value::Null)),
        Some(value) => Value::Union(1, Box::new(value)),
    }
}

fn schema() -> Option<&'static Schema> {
    static SCHEMA: OnceLock<Option<Schema>> = OnceLock::new();
    SCHEMA
        .get_or_init(|| schemas::newest(topics::STOCK_FAILURES).and_then(|file| Schema::parse_str(file.text).ok()))
        .as_ref()
}
