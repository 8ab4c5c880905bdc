//! What a record says: an event or a command, by its topic.

use async_trait::async_trait;
use jiff::Timestamp;
use onhand_cdc::decode::{MAX_RECORD_BYTES, SCHEMA_ID_HEADER};
use onhand_cdc::inbound::{InventoryEvent, StockCommand};
use onhand_cdc::{DecodeError, Decoder, topics};

use crate::runtime::{Message, Record};

/// What another system sent.
#[derive(Debug, Clone, PartialEq)]
pub enum Inbound {
    /// Something happened.
    Event(Box<InventoryEvent>),
    /// Something is to happen.
    Command(Box<StockCommand>),
}

#[async_trait]
impl Message for Inbound {
    async fn decode(decoder: &Decoder, record: &Record) -> Result<Option<Self>, DecodeError> {
        // There is nothing to delete: a record without a value is a mistake, and its sender should hear of it.
        let bytes = record.value.as_deref().ok_or(DecodeError::NoValue)?;
        let schema_id = header(record, SCHEMA_ID_HEADER);
        let inbound = match &*record.topic {
            topics::INVENTORY_EVENTS => Self::Event(Box::new(decoder.decode_contract(schema_id, bytes).await?)),
            topics::STOCK_COMMANDS if is_json(record) => Self::Command(Box::new(command_in_json(bytes)?)),
            topics::STOCK_COMMANDS => Self::Command(Box::new(decoder.decode_contract(schema_id, bytes).await?)),
            other => return Err(DecodeError::UnknownTopic(other.to_owned())),
        };
        Ok(Some(inbound))
    }

    /// It was committed nowhere yet.
    fn committed_at(&self) -> Option<Timestamp> {
        None
    }
}

fn command_in_json(bytes: &[u8]) -> Result<StockCommand, DecodeError> {
    if bytes.len() > MAX_RECORD_BYTES {
        return Err(DecodeError::TooLarge(bytes.len()));
    }
    StockCommand::from_json(bytes).map_err(DecodeError::BadJson)
}

/// The last header of this name that has a value; names are compared as HTTP compares them.
pub(super) fn header<'r>(record: &'r Record, name: &str) -> Option<&'r [u8]> {
    let mut found = record
        .headers
        .iter()
        .rev()
        .filter(|(key, _)| key.eq_ignore_ascii_case(name));
    found.find_map(|(_, value)| value.as_deref())
}

/// The same as text.
pub(super) fn text_header<'r>(record: &'r Record, name: &str) -> Option<&'r str> {
    header(record, name).and_then(|bytes| std::str::from_utf8(bytes).ok())
}

fn is_json(record: &Record) -> bool {
    text_header(record, "content-type")
        .and_then(|kind| kind.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use onhand_cdc::{RegistryClient, RegistryConfig};

    use super::*;

    fn record(topic: &str, value: Option<&[u8]>, kind: Option<&str>) -> Record {
        Record {
            value: value.map(<[u8]>::to_vec),
            headers: kind
                .map(|kind| ("Content-Type".to_owned(), Some(kind.as_bytes().to_vec())))
                .into_iter()
                .collect(),
            ..Record::new(topic, 0, 0)
        }
    }

    async fn decode(record: &Record) -> Result<Option<Inbound>, DecodeError> {
        let decoder = Decoder::new(RegistryClient::new(&RegistryConfig::default()).unwrap());
        Inbound::decode(&decoder, record).await
    }

    #[tokio::test]
    async fn json_is_read_where_a_header_says_so() {
        let json = br#"{"command_id": "c-1", "command_type": "ADD"}"#;
        let commands = topics::STOCK_COMMANDS;
        let read = decode(&record(commands, Some(json), Some("application/json; charset=utf-8"))).await;
        assert!(matches!(read, Ok(Some(Inbound::Command(_)))), "{read:?}");
        for kind in [None, Some("text/plain")] {
            let refused = decode(&record(commands, Some(json), kind)).await;
            assert!(matches!(refused, Err(DecodeError::BadMagic(b'{'))), "{refused:?}");
        }
        let refused = decode(&record(topics::INVENTORY_EVENTS, Some(json), Some("application/json"))).await;
        assert!(matches!(refused, Err(DecodeError::BadMagic(b'{'))), "{refused:?}");
    }

    #[tokio::test]
    async fn nothing_is_a_mistake_with_or_without_a_key() {
        for topic in topics::INGEST_TOPICS {
            let mut nothing = record(topic, None, None);
            assert!(matches!(decode(&nothing).await, Err(DecodeError::NoValue)));
            nothing.key = Some(b"A-1".to_vec());
            assert!(matches!(decode(&nothing).await, Err(DecodeError::NoValue)));
            let empty = decode(&record(topic, Some(b""), None)).await;
            assert!(matches!(empty, Err(DecodeError::TooShort(0))), "{empty:?}");
        }
    }
}
