//! Quantities as callers write them.

use std::fmt;

use serde::de::{Deserializer, Error, Unexpected, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use utoipa::PartialSchema;
use utoipa::ToSchema;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};

/// A number of whole units. Whether it may be negative or how large it may be is the database's to
/// decide; here it only has to be a whole number in range of the type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Units(pub(crate) i64);

impl Serialize for Units {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.0)
    }
}

impl<'de> Deserialize<'de> for Units {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UnitsVisitor)
    }
}

struct UnitsVisitor;

impl Visitor<'_> for UnitsVisitor {
    type Value = Units;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a whole number of at most 1000000000000")
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Units, E> {
        Ok(Units(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Units, E> {
        let units = i64::try_from(value);
        units
            .map(Units)
            .map_err(|_| E::invalid_value(Unexpected::Unsigned(value), &self))
    }
}

impl PartialSchema for Units {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
            .minimum(Some(-1_000_000_000_000_i64))
            .maximum(Some(1_000_000_000_000_i64))
            .description(Some("Whole units"))
            .into()
    }
}

impl ToSchema for Units {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_numbers_are_units() {
        assert_eq!(serde_json::from_str::<Units>("-5").ok(), Some(Units(-5)));
        for wrong in ["1.5", "\"5\"", "1e20", "99999999999999999999", "true", "null", "[]"] {
            let message = serde_json::from_str::<Units>(wrong).err().map(|e| e.to_string());
            let says = "expected a whole number of at most 1000000000000";
            assert!(
                message.as_ref().is_some_and(|text| text.contains(says)),
                "{wrong}: {message:?}"
            );
        }
    }
}
