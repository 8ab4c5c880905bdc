//! One dead letter, and which ones are meant.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use rdkafka::message::{BorrowedMessage, Headers, Message};
use serde::Serialize;

use super::closed::Act;
use super::headers::{self, HeaderList};

/// Where a letter lies: `topic/partition/offset`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LetterId {
    /// Dead-letter topic.
    pub topic: String,
    /// Partition of it.
    pub partition: i32,
    /// Offset in it.
    pub offset: i64,
}

impl fmt::Display for LetterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.topic, self.partition, self.offset)
    }
}

impl FromStr for LetterId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parse = || {
            let mut parts = text.rsplitn(3, '/');
            let offset = parts.next()?.parse().ok()?;
            let partition = parts.next()?.parse().ok()?;
            let topic = parts.next().filter(|topic| !topic.is_empty())?.to_owned();
            Some(Self {
                topic,
                partition,
                offset,
            })
        };
        parse()
            .ok_or_else(|| format!("'{text}' names no dead letter; it is topic/partition/offset, as `list` shows it"))
    }
}

impl Serialize for LetterId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Where the record of a letter came from, as far as the letter says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// Topic.
    pub topic: Option<String>,
    /// Partition.
    pub partition: Option<i32>,
    /// Offset.
    pub offset: Option<i64>,
    /// Group that gave it up.
    pub group: Option<String>,
}

/// A dead letter as it stands in its topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Where it lies.
    pub id: LetterId,
    /// Where its record came from.
    pub origin: Origin,
    /// Which stage refused it.
    pub stage: Option<String>,
    /// Why.
    pub reason: String,
    /// Failed attempts before the last one.
    pub retry_count: u32,
    /// When it was given up.
    pub failed_at: Timestamp,
    /// When it was written, milliseconds since 1970.
    pub written_ms: i64,
    /// Key of the record.
    pub key: Option<Vec<u8>>,
    /// Value of the record.
    pub value: Option<Vec<u8>>,
    /// Headers of the record, without ours.
    pub headers: HeaderList,
    /// What was done about it; open if nothing was.
    pub act: Option<Act>,
}

impl Letter {
    pub(super) fn of(message: &BorrowedMessage<'_>) -> Self {
        let all: HeaderList = message.headers().map_or_else(Vec::new, |headers| {
            headers
                .iter()
                .map(|header| (header.key.to_owned(), header.value.map(<[u8]>::to_vec)))
                .collect()
        });
        let id = LetterId {
            topic: message.topic().to_owned(),
            partition: message.partition(),
            offset: message.offset(),
        };
        let written_ms = message.timestamp().to_millis().unwrap_or(0);
        let (key, value) = (message.key(), message.payload());
        Self::new(id, written_ms, key.map(<[u8]>::to_vec), value.map(<[u8]>::to_vec), all)
    }

    fn new(id: LetterId, written_ms: i64, key: Option<Vec<u8>>, value: Option<Vec<u8>>, mut all: HeaderList) -> Self {
        // Topics of refused commands are written by others, who may put only a reason beside the record.
        let start = headers::block_start(&all);
        let text = |name: &str| {
            let block = all.get(start.unwrap_or(0)..).unwrap_or_default();
            let (_, value) = block.iter().find(|(found, _)| found == name)?;
            value
                .as_deref()
                .map(|value| String::from_utf8_lossy(value).into_owned())
        };
        let origin = Origin {
            topic: text(headers::TOPIC).or_else(|| text("original_topic")),
            partition: text(headers::PARTITION).and_then(|text| text.parse().ok()),
            offset: text(headers::OFFSET).and_then(|text| text.parse().ok()),
            group: text(headers::GROUP),
        };
        let failed_at = text(headers::FAILED_AT)
            .and_then(|text| text.parse().ok())
            .or_else(|| Timestamp::from_millisecond(written_ms).ok())
            .unwrap_or_default();
        let letter = Self {
            stage: text(headers::STAGE),
            reason: text(headers::REASON).unwrap_or_default(),
            retry_count: text(headers::RETRY_COUNT)
                .and_then(|text| text.parse().ok())
                .unwrap_or(0),
            id,
            origin,
            failed_at,
            written_ms,
            key,
            value,
            headers: Vec::new(),
            act: None,
        };
        if let Some(start) = start {
            all.truncate(start);
        }
        Self { headers: all, ..letter }
    }

    /// Bytes of key and value.
    pub fn bytes(&self) -> usize {
        self.key.as_ref().map_or(0, Vec::len) + self.value.as_ref().map_or(0, Vec::len)
    }
}

/// Which letters are looked at by what was done about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wanted {
    /// Those that nothing was done about.
    #[default]
    Open,
    /// Those that were sent again.
    Redriven,
    /// Those that were dropped.
    Dropped,
    /// All that are still kept.
    All,
}

/// Which letters are meant; what is not set restricts nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    /// These letters and no others.
    pub ids: Vec<LetterId>,
    /// Topic of the record or of the letter; `*` stands for anything.
    pub topic: Option<String>,
    /// Group that gave it up.
    pub group: Option<String>,
    /// Partition of the record.
    pub partition: Option<i32>,
    /// First offset of the record.
    pub from_offset: Option<i64>,
    /// Last offset of the record.
    pub to_offset: Option<i64>,
    /// Part of the reason, in any case.
    pub reason: Option<String>,
    /// Given up at this instant or later.
    pub since: Option<Timestamp>,
    /// Given up before this instant.
    pub until: Option<Timestamp>,
    /// By what was done.
    pub wanted: Wanted,
}

impl Filter {
    /// True if nothing is restricted but what was done.
    pub fn is_everything(&self) -> bool {
        let wanted = self.wanted;
        *self
            == Self {
                wanted,
                ..Self::default()
            }
    }

    /// Whether letters of this dead-letter topic can be meant at all.
    pub(super) fn may_match_topic(&self, name: &str) -> bool {
        if !self.ids.is_empty() {
            return self.ids.iter().any(|id| id.topic == name);
        }
        // The topic of a letter starts with that of its record.
        match &self.topic {
            Some(pattern) if !pattern.contains('*') => name == pattern || name.starts_with(&format!("{pattern}.")),
            _ => true,
        }
    }

    /// Whether this letter is meant.
    pub fn matches(&self, letter: &Letter) -> bool {
        let origin = &letter.origin;
        let (partition, offset) = match (origin.partition, origin.offset) {
            (Some(partition), Some(offset)) => (partition, offset),
            // Without a known origin its own place is the only one there is.
            _ => (letter.id.partition, letter.id.offset),
        };
        let wanted = match self.wanted {
            Wanted::All => true,
            Wanted::Open => letter.act.is_none(),
            Wanted::Redriven => letter.act == Some(Act::Redrive),
            Wanted::Dropped => letter.act == Some(Act::Drop),
        };
        wanted
            && (self.ids.is_empty() || self.ids.contains(&letter.id))
            && is_or(&self.topic, |pattern| {
                like(pattern, &letter.id.topic) || origin.topic.as_ref().is_some_and(|topic| like(pattern, topic))
            })
            && is_or(&self.group, |group| origin.group.as_ref() == Some(group))
            && is_or(&self.partition, |wanted| *wanted == partition)
            && is_or(&self.from_offset, |from| offset >= *from)
            && is_or(&self.to_offset, |to| offset <= *to)
            && is_or(&self.reason, |part| {
                letter.reason.to_lowercase().contains(&part.to_lowercase())
            })
            && is_or(&self.since, |since| letter.failed_at >= *since)
            && is_or(&self.until, |until| letter.failed_at < *until)
    }
}

fn is_or<T>(condition: &Option<T>, holds: impl FnOnce(&T) -> bool) -> bool {
    condition.as_ref().is_none_or(holds)
}

/// Equality where `*` stands for any text.
fn like(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut left) = text.strip_prefix(start) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let end = parts.pop().unwrap_or_default();
    for part in parts {
        match left.find(part) {
            Some(at) => left = left.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    left.ends_with(end)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn letter(headers: &[(&str, &str)]) -> Letter {
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Some(value.as_bytes().to_vec())))
            .collect();
        let id = "onhand.inventory.item.onhand.search.dlq/0/7".parse().unwrap();
        Letter::new(id, 5_000, Some(b"k".to_vec()), None, headers)
    }

    fn ours() -> Letter {
        letter(&[
            ("error", "the record's own"),
            (headers::TOPIC, "onhand.inventory.item"),
            (headers::PARTITION, "2"),
            (headers::OFFSET, "40"),
            (headers::GROUP, "onhand.search"),
            ("error", "Magic byte"),
            ("retry_count", "3"),
            ("failed_at", "2026-01-02T03:04:05Z"),
        ])
    }

    #[test]
    fn the_own_headers_of_a_record_stay_its_own() {
        let letter = ours();
        assert_eq!(
            letter.headers,
            vec![("error".to_owned(), Some(b"the record's own".to_vec()))]
        );
        assert_eq!((letter.reason.as_str(), letter.retry_count), ("Magic byte", 3));
        assert_eq!(letter.origin.topic.as_deref(), Some("onhand.inventory.item"));
    }

    #[test]
    fn a_letter_of_somebody_else_keeps_all_its_headers() {
        let letter = letter(&[("error", "refused"), ("ce_id", "1")]);
        assert_eq!((letter.headers.len(), letter.reason.as_str()), (2, "refused"));
        assert_eq!(letter.origin, Origin::default());
        assert_eq!(letter.failed_at, Timestamp::from_second(5).unwrap());
    }

    #[test]
    fn each_condition_decides() {
        let yes: [Filter; 8] = [
            Filter::default(),
            Filter {
                topic: Some("onhand.inventory.item".into()),
                ..Filter::default()
            },
            Filter {
                topic: Some("onhand.*.dlq".into()),
                ..Filter::default()
            },
            Filter {
                group: Some("onhand.search".into()),
                ..Filter::default()
            },
            Filter {
                partition: Some(2),
                from_offset: Some(40),
                to_offset: Some(40),
                ..Filter::default()
            },
            Filter {
                reason: Some("magic BYTE".into()),
                ..Filter::default()
            },
            Filter {
                since: Some("2026-01-02T03:04:05Z".parse().unwrap()),
                ..Filter::default()
            },
            Filter {
                ids: vec![ours().id],
                wanted: Wanted::All,
                ..Filter::default()
            },
        ];
        for filter in yes {
            assert!(filter.matches(&ours()), "{filter:?}");
            assert!(filter.may_match_topic(&ours().id.topic), "{filter:?}");
        }
        let no: [Filter; 7] = [
            Filter {
                topic: Some("onhand.inventory.stock_level".into()),
                ..Filter::default()
            },
            Filter {
                group: Some("onhand.cache".into()),
                ..Filter::default()
            },
            Filter {
                partition: Some(0),
                ..Filter::default()
            },
            Filter {
                from_offset: Some(41),
                ..Filter::default()
            },
            Filter {
                reason: Some("schema".into()),
                ..Filter::default()
            },
            Filter {
                until: Some("2026-01-02T03:04:05Z".parse().unwrap()),
                ..Filter::default()
            },
            Filter {
                wanted: Wanted::Redriven,
                ..Filter::default()
            },
        ];
        for filter in no {
            assert!(!filter.matches(&ours()), "{filter:?}");
        }
        let done = Letter {
            act: Some(Act::Drop),
            ..ours()
        };
        assert!(!Filter::default().matches(&done));
    }

    #[test]
    fn an_id_is_read_as_it_is_shown() {
        let id: LetterId = "a.b.dlq/3/99".parse().unwrap();
        assert_eq!((id.topic.as_str(), id.partition, id.offset), ("a.b.dlq", 3, 99));
        assert_eq!(id.to_string().parse::<LetterId>().unwrap(), id);
        for wrong in ["", "a", "a/1", "/1/2", "a/x/2", "a/1/x"] {
            assert!(wrong.parse::<LetterId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_star_stands_for_anything() {
        assert!(like("a*c", "abc") && like("*", "") && like("a*b*", "a-b-") && like("abc", "abc"));
        assert!(!like("a*c", "ab") && !like("b*", "ab") && !like("abc", "ab") && !like("a*b*c", "ac"));
    }
}
