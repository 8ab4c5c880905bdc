//! `inventory.stock.commands`: writes that other systems ask for.

use std::collections::HashSet;
use std::sync::OnceLock;

use serde::Deserialize;
use serde_json::Value;

use super::fields::Moment;
use crate::decode::Contract;
use crate::lenient::list;
use crate::{schemas, topics};

/// A write of stock that another system asks for (`schemas/stock/v*_stock_command.avsc`).
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct StockCommand {
    /// The same command sent twice has the same id.
    pub command_id: String,
    /// An operation in capitals; one that this build does not know is kept as it is.
    pub command_type: String,
    /// Business key of the item.
    pub sku: Option<String>,
    /// The location; of a move the one to leave.
    pub location_id: Option<String>,
    /// The destination of a move.
    pub to_location_id: Option<String>,
    /// Units; of an adjustment the signed difference.
    pub quantity: Option<i64>,
    /// Unit of measure.
    pub unit: Option<String>,
    /// Code of the lot.
    pub lot: Option<String>,
    /// When a lot that comes in ends.
    pub lot_expires_at: Option<Moment>,
    /// Serial numbers.
    #[serde(default, deserialize_with = "list")]
    pub serials: Vec<String>,
    /// `on_hand` or `damaged`.
    pub state: Option<String>,
    /// Several lines in place of one.
    #[serde(default, deserialize_with = "list")]
    pub lines: Vec<StockCommandLine>,
    /// The reservation, as a UUID.
    pub reservation_id: Option<String>,
    /// The transfer, as a UUID.
    pub transfer_id: Option<String>,
    /// Whom a reservation is for.
    pub owner: Option<String>,
    /// How long a reservation holds.
    pub expires_in_seconds: Option<i64>,
    /// Until when a reservation holds.
    pub expires_at: Option<Moment>,
    /// The version that the stock level must have.
    pub expected_version: Option<i64>,
    /// Why, in words.
    pub reason: Option<String>,
    /// Why, as a code.
    pub reason_code: Option<String>,
    /// A document of the sender.
    pub reference: Option<String>,
    /// What this belongs to.
    pub correlation_id: Option<String>,
    /// Who asks for it.
    pub user_id: Option<String>,
    /// When it happened.
    pub occurred_at: Option<Moment>,
}

/// One of several lines of a command.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct StockCommandLine {
    /// Business key of the item.
    pub sku: String,
    /// The location, where the command names none.
    pub location_id: Option<String>,
    /// Units.
    pub quantity: Option<i64>,
    /// Unit of measure.
    pub unit: Option<String>,
    /// Code of the lot.
    pub lot: Option<String>,
    /// Serial numbers.
    #[serde(default, deserialize_with = "list")]
    pub serials: Vec<String>,
    /// Units that arrived in order.
    pub received: Option<i64>,
    /// Units that arrived damaged.
    pub damaged: Option<i64>,
    /// Units that will not arrive.
    pub lost: Option<i64>,
}

impl Contract for StockCommand {
    const RECORD: &'static str = "StockCommand";
}

impl StockCommand {
    /// Reads a command from a plain JSON object with the names of the Avro fields. A name that is none of them is refused:
    /// a misspelt `expected_version` must not make a write unconditional.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn from_json(bytes: &[u8]) -> Result<Self, String> {
        let value: Value = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        let known = fields();
        let lines = value.get("lines").and_then(Value::as_array).into_iter().flatten();
        let unknown = names(&value)
            .find(|name| !known.command.contains(*name))
            .or_else(|| lines.flat_map(names).find(|name| !known.line.contains(*name)));
        if let Some(name) = unknown {
            let shown: String = name.chars().take(40).collect();
            return Err(format!("'{shown}' is not a field of a command"));
        }
        serde_json::from_value(value).map_err(|error| error.to_string())
    }
}

fn names(value: &Value) -> impl Iterator<Item = &String> {
    value.as_object().into_iter().flat_map(serde_json::Map::keys)
}

#[derive(Debug, Default)]
struct Fields {
    command: HashSet<String>,
    line: HashSet<String>,
}

/// The names in the contract, which is where they are kept.
fn fields() -> &'static Fields {
    static FIELDS: OnceLock<Fields> = OnceLock::new();
    FIELDS.get_or_init(|| {
        let text = schemas::newest(topics::STOCK_COMMANDS).map_or("{}", |file| file.text);
        let schema: Value = serde_json::from_str(text).unwrap_or_default();
        let line = schema
            .get("fields")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .find(|field| field.get("name").and_then(Value::as_str) == Some("lines"))
            .and_then(|field| field.pointer("/type/items"));
        Fields {
            command: field_names(&schema),
            line: line.map(field_names).unwrap_or_default(),
        }
    })
}

fn field_names(record: &Value) -> HashSet<String> {
    let fields = record.get("fields").and_then(Value::as_array).into_iter().flatten();
    fields
        .filter_map(|field| field.get("name").and_then(Value::as_str))
        .map(ToOwned::to_owned)
        .collect()
}
