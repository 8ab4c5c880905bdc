//! From the bytes of a record to a [`Change`].
//!
//! Bytes come from a topic that anybody may have written to, so nothing here trusts them: sizes are
//! bounded before memory is asked for, what is left over is an error, and a panic inside the Avro
//! library becomes an error of this one record.

#[cfg(test)]
mod memory_tests;
mod missing;
mod plain;
mod reader;
#[cfg(test)]
mod registry_tests;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;

use crate::envelope::{Change, Envelope, Table};
use crate::registry::{RegistryClient, RegistryError};
use missing::Missing;
use plain::Plain;
use reader::SchemaReader;

/// First byte of the Confluent frame.
const MAGIC: u8 = 0;
/// Magic byte and schema id.
const HEADER_BYTES: usize = 5;
/// No record of ours comes near this; Kafka's own default limit is 1 MiB.
pub const MAX_RECORD_BYTES: usize = 16 * 1024 * 1024;
/// A registry of this product holds some dozens of schemas. The bound is there so that a flood of
/// schemas cannot fill the memory: parsed schemas are kept for the life of the process.
const MAX_SCHEMAS: usize = 4096;

/// Where writers put the schema id that leave the value without a frame.
pub const SCHEMA_ID_HEADER: &str = "__value_schema_id";

/// Why a record could not be decoded.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Not even room for the frame.
    #[error("record of {0} bytes is shorter than the schema header")]
    TooShort(usize),
    /// Larger than anything we write.
    #[error("record of {0} bytes is larger than {MAX_RECORD_BYTES}")]
    TooLarge(usize),
    /// The frame does not start with zero.
    #[error("first byte is {0:#04x}, not the magic byte 0x00")]
    BadMagic(u8),
    /// The registry does not know the id. It may, soon: a writer registers before it writes, but a
    /// restored or lagging registry answers the same.
    #[error("schema id {0} is not in the registry")]
    UnknownSchema(u32),
    /// The registry does not know the id, and it was waited for in vain not long ago.
    #[error("schema id {0} is not in the registry, and did not turn up before")]
    GivenUp(u32),
    /// No registry can have given it out: their ids are positive numbers of 32 bits.
    #[error("schema id {0} is none that a registry gives out")]
    ImpossibleSchema(u32),
    /// The registry cannot be asked now, or does not answer the question.
    #[error("schema id {id} cannot be fetched")]
    Registry {
        /// The id.
        id: u32,
        /// What the registry client says.
        #[source]
        source: RegistryError,
    },
    /// The schema itself is of no use.
    #[error("schema id {id} cannot be used: {problem}")]
    BadSchema {
        /// The id.
        id: u32,
        /// What is wrong with it.
        problem: String,
    },
    /// The bytes do not fit the schema, or the schema does not fit the table.
    #[error("record does not fit schema id {id}: {problem}")]
    Malformed {
        /// The id in the frame.
        id: u32,
        /// What is wrong.
        problem: String,
    },
    /// The topic belongs to no captured table.
    #[error("topic '{0}' belongs to no captured table")]
    UnknownTopic(String),
    /// Neither a change nor a tombstone.
    #[error("record has neither key nor value")]
    Empty,
    /// A tombstone where there is nothing to delete.
    #[error("record has no value")]
    NoValue,
    /// A JSON value that is none of the contract.
    #[error("value is no command in JSON: {0}")]
    BadJson(String),
    /// The header that names the schema cannot be used.
    #[error("header {SCHEMA_ID_HEADER} does not name a schema by its number")]
    BadSchemaHeader,
}

/// What to do with a record that was not decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecodeClass {
    /// Try the same bytes again: something else is unwell.
    Transient,
    /// Try again for a bounded time, then give it up.
    UnknownSchema(u32),
    /// These bytes will never decode.
    Poison,
}

impl DecodeError {
    /// The one answer that retry, dead letters and commit read.
    pub fn class(&self) -> DecodeClass {
        match self {
            // Whatever the registry says of the request is nothing against the record.
            Self::Registry { .. } => DecodeClass::Transient,
            Self::UnknownSchema(id) => DecodeClass::UnknownSchema(*id),
            _ => DecodeClass::Poison,
        }
    }
}

/// A record of our own contracts, as anybody may write it. It is read through plain values, the same from Avro as from JSON:
/// that passes over whatever a newer writer adds, enums included, which the Avro library cannot do by itself.
pub trait Contract: DeserializeOwned {
    /// Name of the Avro record, without its namespace.
    const RECORD: &'static str;
}

/// Decodes records of every captured table; keeps one parsed reader per schema id.
#[derive(Debug)]
pub struct Decoder {
    registry: RegistryClient,
    readers: RwLock<HashMap<u32, Arc<SchemaReader>>>,
    missing: RwLock<Missing>,
}

impl Decoder {
    /// A decoder that asks this registry for schemas.
    pub fn new(registry: RegistryClient) -> Self {
        reader::bound_allocations(MAX_RECORD_BYTES);
        Self {
            registry,
            readers: RwLock::new(HashMap::new()),
            missing: RwLock::default(),
        }
    }

    /// The registry behind it.
    pub fn registry(&self) -> &RegistryClient {
        &self.registry
    }

    /// Decodes the value of a record of this table. A schema seen before costs no request.
    pub async fn decode(&self, table: Table, bytes: &[u8]) -> Result<Change, DecodeError> {
        let (id, body) = split_frame(bytes)?;
        let reader = self.reader(id).await?;
        read_change(table, &reader, id, body)
    }

    /// Decodes a value of one of our own contracts: framed, or bare beside a header that has the schema id.
    pub async fn decode_contract<T: Contract>(&self, schema_id: Option<&[u8]>, bytes: &[u8]) -> Result<T, DecodeError> {
        let (id, body) = match schema_id {
            None => split_frame(bytes)?,
            Some(_) if bytes.len() > MAX_RECORD_BYTES => return Err(DecodeError::TooLarge(bytes.len())),
            // The other form has a UUID, which only registries of one maker know.
            Some([MAGIC, a, b, c, d]) => (u32::from_be_bytes([*a, *b, *c, *d]), bytes),
            Some(_) => return Err(DecodeError::BadSchemaHeader),
        };
        let reader = self.reader(id).await?;
        let plain: Plain<T> = reader
            .read(body)
            .map_err(|problem| DecodeError::Malformed { id, problem })?;
        plain
            .into_contract()
            .map_err(|problem| DecodeError::Malformed { id, problem })
    }

    /// Decodes a record that is no change of a table. A schema seen before costs no request.
    pub async fn decode_as<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, DecodeError> {
        let (id, body) = split_frame(bytes)?;
        let reader = self.reader(id).await?;
        reader
            .read(body)
            .map_err(|problem| DecodeError::Malformed { id, problem })
    }

    /// Decodes if the schema is already known; `None` means that it has to be fetched first.
    pub fn decode_cached(&self, table: Table, bytes: &[u8]) -> Option<Result<Change, DecodeError>> {
        let (id, body) = match split_frame(bytes) {
            Ok(parts) => parts,
            Err(error) => return Some(Err(error)),
        };
        let reader = self.cached(id)?;
        Some(read_change(table, &reader, id, body))
    }

    /// Puts a schema in place without the registry, for tests and benches.
    pub fn insert_schema(&self, id: u32, schema: &str) -> Result<(), DecodeError> {
        self.keep(id, schema).map(drop)
    }

    async fn reader(&self, id: u32) -> Result<Arc<SchemaReader>, DecodeError> {
        match self.cached(id) {
            Some(reader) => Ok(reader),
            None => self.fetch(id).await,
        }
    }

    /// Remembers for a while that this id was waited for in vain: until then its records are poison without a question.
    pub fn give_up(&self, id: u32) {
        let mut missing = self.missing.write().unwrap_or_else(PoisonError::into_inner);
        missing.add(id, Instant::now());
    }

    /// Lets the id be asked for again if it was given up longer ago than `age`, that of a record which names it: what was written since
    /// then may have its schema by now, a dead letter that was sent again for example. True if it will be asked for.
    pub fn ask_again(&self, id: u32, age: Duration) -> bool {
        let mut missing = self.missing.write().unwrap_or_else(PoisonError::into_inner);
        missing.forget(id, age, Instant::now())
    }

    fn is_given_up(&self, id: u32) -> bool {
        let missing = self.missing.read().unwrap_or_else(PoisonError::into_inner);
        missing.has(id, Instant::now())
    }

    fn cached(&self, id: u32) -> Option<Arc<SchemaReader>> {
        self.readers
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&id)
            .cloned()
    }

    /// Only success is kept by itself: a failure now says nothing about the next attempt.
    async fn fetch(&self, id: u32) -> Result<Arc<SchemaReader>, DecodeError> {
        if i32::try_from(id).is_err() {
            // The registry might call the question malformed, and that would be waited for without end.
            return Err(DecodeError::ImpossibleSchema(id));
        }
        if self.is_given_up(id) {
            return Err(DecodeError::GivenUp(id));
        }
        match self.registry.schema_by_id(id).await {
            Ok(schema) => self.keep(id, &schema),
            Err(RegistryError::NotFound(_)) => Err(DecodeError::UnknownSchema(id)),
            Err(RegistryError::Unusable { problem, .. }) => Err(DecodeError::BadSchema { id, problem }),
            Err(source) => Err(DecodeError::Registry { id, source }),
        }
    }

    fn keep(&self, id: u32, schema: &str) -> Result<Arc<SchemaReader>, DecodeError> {
        let mut readers = self.readers.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(reader) = readers.get(&id) {
            return Ok(Arc::clone(reader));
        }
        if readers.len() >= MAX_SCHEMAS {
            return Err(DecodeError::BadSchema {
                id,
                problem: format!("{MAX_SCHEMAS} schemas are in use already"),
            });
        }
        let reader = SchemaReader::parse(schema).map_err(|problem| DecodeError::BadSchema { id, problem })?;
        let reader = Arc::new(reader);
        readers.insert(id, Arc::clone(&reader));
        Ok(reader)
    }
}

/// Splits the Confluent frame into schema id and Avro body.
pub fn split_frame(bytes: &[u8]) -> Result<(u32, &[u8]), DecodeError> {
    if bytes.len() > MAX_RECORD_BYTES {
        return Err(DecodeError::TooLarge(bytes.len()));
    }
    match bytes {
        [MAGIC, a, b, c, d, body @ ..] => Ok((u32::from_be_bytes([*a, *b, *c, *d]), body)),
        [first, ..] if *first != MAGIC => Err(DecodeError::BadMagic(*first)),
        _ => Err(DecodeError::TooShort(bytes.len())),
    }
}

/// Puts an Avro body into the Confluent frame.
pub fn frame(id: u32, body: &[u8]) -> Vec<u8> {
    let mut framed = Vec::with_capacity(HEADER_BYTES + body.len());
    framed.push(MAGIC);
    framed.extend_from_slice(&id.to_be_bytes());
    framed.extend_from_slice(body);
    framed
}

fn read_change(table: Table, reader: &SchemaReader, id: u32, body: &[u8]) -> Result<Change, DecodeError> {
    Ok(match table {
        Table::Category => Change::Category(read_envelope(reader, id, body)?),
        Table::Item => Change::Item(read_envelope(reader, id, body)?),
        Table::Location => Change::Location(read_envelope(reader, id, body)?),
        Table::StockLevel => Change::StockLevel(read_envelope(reader, id, body)?),
        Table::Reservation => Change::Reservation(read_envelope(reader, id, body)?),
        Table::ReservationLine => Change::ReservationLine(read_envelope(reader, id, body)?),
        Table::StockMovement => Change::StockMovement(read_envelope(reader, id, body)?),
        Table::StockSummary => Change::StockSummary(read_envelope(reader, id, body)?),
    })
}

fn read_envelope<R: DeserializeOwned>(
    reader: &SchemaReader,
    id: u32,
    body: &[u8],
) -> Result<Box<Envelope<R>>, DecodeError> {
    reader
        .read(body)
        .map(Box::new)
        .map_err(|problem| DecodeError::Malformed { id, problem })
}
