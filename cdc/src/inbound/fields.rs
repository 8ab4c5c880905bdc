//! Moments as other systems write them.

use std::fmt;

use jiff::Timestamp;
use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// A moment on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moment {
    /// Milliseconds since 1970, as Avro has them.
    Millis(i64),
    /// Text, as JSON has it.
    Text(String),
}

impl Moment {
    /// As a text that Postgres reads, or refuses: a number that no calendar reaches is named as it is.
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Millis(millis) => match Timestamp::from_millisecond(*millis) {
                Ok(timestamp) => timestamp.to_string(),
                Err(_) => format!("no moment: {millis}"),
            },
        }
    }
}

struct MomentVisitor;

impl Visitor<'_> for MomentVisitor {
    type Value = Moment;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("milliseconds since 1970, or a text")
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Moment, E> {
        Ok(Moment::Millis(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Moment, E> {
        i64::try_from(value).map(Moment::Millis).map_err(E::custom)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Moment, E> {
        Ok(Moment::Text(value.to_owned()))
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MomentVisitor)
    }
}
