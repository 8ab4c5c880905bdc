//! The headers of dead letters, and those of records that were sent again.
//!
//! A dead letter carries the headers of its record first and unchanged, then one block of ours that begins with
//! [`TOPIC`]. A record that is sent again carries its own headers, then the two of [`REDRIVE_GROUP`] and
//! [`REDRIVE_COUNT`]. Ours are always the last ones, so whatever names a record's own headers have, they stay apart.

/// Headers in their order; a header may have no value.
pub(crate) type HeaderList = Vec<(String, Option<Vec<u8>>)>;

/// Topic of the record; the first header of our block.
pub(crate) const TOPIC: &str = "__connect.errors.topic";
/// Partition of the record.
pub(crate) const PARTITION: &str = "__connect.errors.partition";
/// Offset of the record.
pub(crate) const OFFSET: &str = "__connect.errors.offset";
/// Consumer group that gave it up.
pub(crate) const GROUP: &str = "__connect.errors.connector.name";
/// Decoding or writing.
pub(crate) const STAGE: &str = "__connect.errors.stage";
/// Why.
pub(crate) const REASON: &str = "error";
/// Failed attempts before the last one, those of earlier times included.
pub(crate) const RETRY_COUNT: &str = "retry_count";
/// When.
pub(crate) const FAILED_AT: &str = "failed_at";

/// The one group that a record was sent again for; others leave it alone.
pub(crate) const REDRIVE_GROUP: &str = "onhand.redrive.group";
/// Attempts that were made before it was sent again.
pub(crate) const REDRIVE_COUNT: &str = "onhand.redrive.count";

/// What a record says about having been sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Redriven<'a> {
    /// For whom; nobody in particular if none.
    pub(crate) group: Option<&'a str>,
    /// Attempts that were made before.
    pub(crate) attempts: u32,
    /// Headers that are the record's own.
    pub(crate) own: usize,
}

/// Reads the headers that a redrive adds at the end.
pub(crate) fn redriven(headers: &[(String, Option<Vec<u8>>)]) -> Redriven<'_> {
    let mut found = Redriven {
        own: headers.len(),
        ..Redriven::default()
    };
    for (name, value) in headers.iter().rev() {
        let text = value.as_deref().and_then(|value| std::str::from_utf8(value).ok());
        match name.as_str() {
            REDRIVE_GROUP => found.group = text,
            REDRIVE_COUNT => found.attempts = text.and_then(|text| text.parse().ok()).unwrap_or(0),
            _ => break,
        }
        found.own = found.own.saturating_sub(1);
    }
    found
}

/// How many headers stand before our block; none if there is no block.
pub(crate) fn block_start(headers: &[(String, Option<Vec<u8>>)]) -> Option<usize> {
    headers.iter().rposition(|(name, _)| name == TOPIC)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderList {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Some(value.as_bytes().to_vec())))
            .collect()
    }

    #[test]
    fn only_the_last_headers_say_that_a_record_was_sent_again() {
        let plain = headers(&[("a", "1")]);
        assert_eq!(redriven(&plain).own, 1);
        assert_eq!(redriven(&plain).group, None);
        let again = headers(&[("a", "1"), (REDRIVE_GROUP, "onhand.cache"), (REDRIVE_COUNT, "3")]);
        let found = redriven(&again);
        assert_eq!((found.group, found.attempts, found.own), (Some("onhand.cache"), 3, 1));
        // A record's own header of that name in front of others is its own affair.
        let own = headers(&[(REDRIVE_GROUP, "x"), ("a", "1")]);
        assert_eq!((redriven(&own).group, redriven(&own).own), (None, 2));
    }

    #[test]
    fn our_block_is_the_last_one() {
        let nested = headers(&[(TOPIC, "own"), ("a", "1"), (TOPIC, "ours"), (PARTITION, "0")]);
        assert_eq!(block_start(&nested), Some(2));
        assert_eq!(block_start(&headers(&[("a", "1")])), None);
    }
}
