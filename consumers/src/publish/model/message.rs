//! A record to be published, with the headers that all contracts share.

use std::borrow::Cow;

use jiff::Timestamp;
use onhand_cdc::RowVersion;
use uuid::Uuid;

use super::facts::instant;

/// Media type of JSON values.
pub(crate) const JSON: &str = "application/json";
/// Media type of Avro values: Avro behind the five bytes that name the schema.
pub(crate) const AVRO: &str = "application/vnd.confluent.avro";
/// Every id of an event is made in this namespace. It must never change: an event that is sent again has its old id.
const NAMESPACE: Uuid = Uuid::from_u128(0x3c1d_9a54_7b6e_4f0a_9d28_5e1f_6a90_c7b3);

/// Names and texts of headers. Most texts are the same in every record.
pub(crate) type Headers = Vec<(&'static str, Cow<'static, str>)>;

/// A record of a public contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) topic: &'static str,
    pub(crate) key: String,
    /// None removes the key from a compacted topic.
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) headers: Headers,
}

/// What the headers say: the attributes of CloudEvents 1.0 in binary mode, and what the contracts had before there were any.
#[derive(Debug, Clone)]
pub(crate) struct Attributes<'a> {
    /// Name of the contract and, in CloudEvents, the type.
    pub(crate) contract: &'static str,
    /// Short name of the event for readers who know no CloudEvents.
    pub(crate) event_type: &'static str,
    pub(crate) source: &'a str,
    pub(crate) item: Uuid,
    /// Empty for what is about all locations.
    pub(crate) location: &'a str,
    pub(crate) version: RowVersion,
    pub(crate) time: Timestamp,
    pub(crate) content_type: &'static str,
    /// Version of the schema of the value.
    pub(crate) schema_version: &'static str,
    pub(crate) traceparent: Option<&'a str>,
}

impl Attributes<'_> {
    /// The id follows from what the event is about, so a record that comes again is recognised by it.
    pub(crate) fn id(&self) -> Uuid {
        let Self {
            contract,
            item,
            location,
            version,
            ..
        } = self;
        Uuid::new_v5(
            &NAMESPACE,
            format!("{contract}\n{item}\n{location}\n{version}").as_bytes(),
        )
    }

    /// The headers of a record with this id and key.
    pub(crate) fn headers(&self, id: Uuid, key: &str) -> Headers {
        let subject = match self.location {
            "" => self.item.to_string(),
            location => format!("{}/{location}", self.item),
        };
        let mut headers = vec![
            ("event_type", self.event_type.into()),
            ("schema_version", self.schema_version.into()),
            ("content-type", self.content_type.into()),
            ("ce_specversion", "1.0".into()),
            ("ce_id", id.to_string().into()),
            ("ce_source", self.source.to_owned().into()),
            ("ce_type", self.contract.into()),
            ("ce_subject", subject.into()),
            ("ce_time", instant(self.time).into()),
            ("ce_partitionkey", key.to_owned().into()),
        ];
        if let Some(traceparent) = self.traceparent {
            headers.push(("traceparent", traceparent.to_owned().into()));
        }
        headers
    }
}
