//! From a contract's type to the bytes of a record: Avro in the Confluent frame.

use std::fmt;

use apache_avro::Schema;
use apache_avro::writer::datum::GenericDatumWriter;
use serde::Serialize;

use crate::decode::frame;
use crate::schemas::SchemaFile;

/// A value does not fit the schema of its contract, or the schema is none.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct EncodeError {
    path: &'static str,
    problem: String,
}

impl EncodeError {
    fn new(file: &SchemaFile, problem: impl fmt::Display) -> Self {
        Self {
            path: file.path,
            problem: problem.to_string(),
        }
    }
}

/// Writes values of one contract.
pub struct Encoder {
    file: SchemaFile,
    writer: GenericDatumWriter<'static>,
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Encoder").field(&self.file.path).finish()
    }
}

impl Encoder {
    /// Parses the schema. The writer borrows it, so it is leaked on purpose: a process has one encoder per contract, for
    /// as long as it lives.
    ///
    /// # Errors
    /// The file is no Avro schema.
    pub fn new(file: SchemaFile) -> Result<Self, EncodeError> {
        let schema = Schema::parse_str(file.text).map_err(|error| EncodeError::new(&file, error))?;
        let writer = GenericDatumWriter::builder(Box::leak(Box::new(schema)))
            .build()
            .map_err(|error| EncodeError::new(&file, error))?;
        Ok(Self { file, writer })
    }

    /// The contract.
    pub fn file(&self) -> SchemaFile {
        self.file
    }

    /// One record, framed with the id that the registry gave the schema.
    ///
    /// # Errors
    /// The value does not fit the schema.
    pub fn encode<T: Serialize>(&self, id: u32, value: &T) -> Result<Vec<u8>, EncodeError> {
        let body = self
            .writer
            .write_ser_to_vec(value)
            .map_err(|error| EncodeError::new(&self.file, error))?;
        Ok(frame(id, &body))
    }
}
