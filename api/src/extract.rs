//! What handlers take from a request. Every refusal is a [`crate::Problem`] that points at the
//! wrong value.

mod body;
mod fields;
mod meta;
mod params;

pub(crate) use body::{OptionalJson, StrictJson};
pub(crate) use fields::{maybe_objects, maybe_timestamp, objects};
pub(crate) use meta::{CallMeta, RequestId, entity_tag, if_none_match};
pub(crate) use params::{ItemRef, PathText, StrictQuery, parse_uuid};
