//! One parsed schema, ready to read records with.

use std::collections::HashSet;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::schema::{Name, ResolvedSchema};
use serde::de::DeserializeOwned;

use super::MAX_RECORD_BYTES;

/// Deeper than any schema we meet (Debezium's have four levels), far from the end of a stack.
const MAX_DEPTH: usize = 64;
/// Error texts of the Avro library quote whole schemas; a log line or a header needs the start.
const MAX_PROBLEM_CHARS: usize = 300;

/// Reads records that were written with one schema.
pub(super) struct SchemaReader {
    reader: GenericDatumReader<'static>,
}

impl fmt::Debug for SchemaReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SchemaReader")
    }
}

impl SchemaReader {
    /// Parses the schema, once per id and process. The reader borrows its schema, so the schema is
    /// leaked on purpose: it lives as long as the process, and the decoder bounds how many there are.
    pub(super) fn parse(schema: &str) -> Result<Self, String> {
        let parsed = guard(|| Schema::parse_str(schema).map_err(|error| error.to_string()))?;
        let resolved = ResolvedSchema::try_from(&parsed).map_err(|error| shorten(&error.to_string()))?;
        check(&parsed, &resolved, &mut HashSet::new(), 0)?;
        drop(resolved);
        let schema: &'static Schema = Box::leak(Box::new(parsed));
        let reader = GenericDatumReader::builder(schema)
            // Ids and times are text on the wire; without this the types ask for raw bytes.
            .human_readable(true)
            .build()
            .map_err(|error| shorten(&error.to_string()))?;
        Ok(Self { reader })
    }

    /// Reads exactly one datum; bytes after it mean that the schema id was not the writer's.
    pub(super) fn read<T: DeserializeOwned>(&self, body: &[u8]) -> Result<T, String> {
        let mut rest = body;
        let value = guard(|| {
            self.reader
                .read_deser::<T>(&mut rest)
                .map_err(|error| error.to_string())
        })?;
        if rest.is_empty() {
            return Ok(value);
        }
        Err(format!("{} bytes are left over", rest.len()))
    }
}

/// Bounds what one length prefix can make the Avro library allocate.
pub(super) fn bound_allocations(bytes: usize) {
    apache_avro::util::max_allocation_bytes(bytes);
}

/// Turns a panic of the Avro library into an error of this record.
fn guard<T>(read: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(problem)) => Err(shorten(&problem)),
        Err(_) => Err("the decoder panicked".to_owned()),
    }
}

fn shorten(problem: &str) -> String {
    problem.chars().take(MAX_PROBLEM_CHARS).collect()
}

/// Whether every value of the schema takes at least one byte.
fn takes_bytes(schema: &Schema, resolved: &ResolvedSchema<'_>, depth: usize) -> bool {
    match schema {
        Schema::Null => false,
        Schema::Fixed(fixed) => fixed.size > 0,
        // What is nested deeper is refused for that.
        Schema::Record(record) => {
            depth > MAX_DEPTH
                || record
                    .fields
                    .iter()
                    .any(|field| takes_bytes(&field.schema, resolved, depth + 1))
        }
        Schema::Ref { name } => resolved
            .get_names()
            .get(name)
            .is_none_or(|target| depth > MAX_DEPTH || takes_bytes(target, resolved, depth + 1)),
        _ => true,
    }
}

/// Refuses schemas that a short record could take the memory or the stack with. Those that contain themselves could nest without
/// end, and a stack that overflows cannot be caught.
fn check<'s>(
    schema: &'s Schema,
    resolved: &ResolvedSchema<'s>,
    open: &mut HashSet<&'s Name>,
    depth: usize,
) -> Result<(), String> {
    if depth > MAX_DEPTH {
        return Err(format!("schema is nested deeper than {MAX_DEPTH}"));
    }
    match schema {
        Schema::Record(record) => {
            if !open.insert(&record.name) {
                return Err("schema contains itself".to_owned());
            }
            for field in &record.fields {
                check(&field.schema, resolved, open, depth + 1)?;
            }
            open.remove(&record.name);
            Ok(())
        }
        Schema::Ref { name } => match resolved.get_names().get(name) {
            Some(target) => check(target, resolved, open, depth + 1),
            None => Err("schema refers to a name it does not define".to_owned()),
        },
        Schema::Union(union) => union
            .variants()
            .iter()
            .try_for_each(|variant| check(variant, resolved, open, depth + 1)),
        // Ten bytes would announce more of them than any memory holds.
        Schema::Array(array) if !takes_bytes(&array.items, resolved, 0) => {
            Err("schema has an array of items that take no bytes".to_owned())
        }
        Schema::Array(array) => check(&array.items, resolved, open, depth + 1),
        // The library asks for all of it before it looks for the bytes.
        Schema::Fixed(fixed) if fixed.size > MAX_RECORD_BYTES => {
            Err(format!("schema has a value of {} bytes", fixed.size))
        }
        Schema::Map(map) => check(&map.types, resolved, open, depth + 1),
        _ => Ok(()),
    }
}
