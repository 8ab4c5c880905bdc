//! Fields that are read more strictly, or refused in plainer words, than a derived reader would.
//!
//! Entries of arrays must be JSON objects: a derived struct would also take an array of its fields
//! in order, which nobody documents and nobody should rely on.

use std::fmt;
use std::marker::PhantomData;

use jiff::Timestamp;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

struct Object<T>(T);

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData)).map(Self)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}

/// An array of objects.
pub(crate) fn objects<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let entries = Vec::<Object<T>>::deserialize(deserializer)?;
    Ok(entries.into_iter().map(|entry| entry.0).collect())
}

/// An array of objects, or nothing. Goes with `#[serde(default)]`.
pub(crate) fn maybe_objects<'de, D, T>(deserializer: D) -> Result<Option<Vec<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let entries = Option::<Vec<Object<T>>>::deserialize(deserializer)?;
    Ok(entries.map(|entries| entries.into_iter().map(|entry| entry.0).collect()))
}

/// An instant, or nothing. Goes with `#[serde(default)]`.
pub(crate) fn maybe_timestamp<'de, D>(deserializer: D) -> Result<Option<Timestamp>, D::Error>
where
    D: Deserializer<'de>,
{
    let wrong = |_| Error::custom("must be an instant in RFC 3339, such as \"2026-11-21T04:30:00Z\"");
    Option::<String>::deserialize(deserializer)?
        .map(|text| text.parse().map_err(wrong))
        .transpose()
}
