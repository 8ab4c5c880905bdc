//! The W3C header `traceparent`: which span of which trace something belongs to.

use std::fmt;
use std::str::FromStr;

use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

/// Version 00: 2 + 32 + 16 + 2 hexadecimal digits and three dashes.
const LENGTH: usize = 55;

/// A span, seen from its children.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceParent {
    trace: TraceId,
    span: SpanId,
    flags: TraceFlags,
}

/// A text that is no traceparent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is no W3C traceparent")]
pub struct NotATraceParent;

impl TraceParent {
    /// Whether its trace is recorded; what is not is not followed either.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        self.flags.is_sampled()
    }

    /// The trace in hexadecimal digits.
    #[must_use]
    pub fn trace_id(&self) -> String {
        self.trace.to_string()
    }

    /// The parent of a text, if it is one whose trace is recorded.
    #[must_use]
    pub fn sampled(text: &str) -> Option<Self> {
        text.parse::<Self>().ok().filter(Self::is_sampled)
    }

    pub(crate) fn of(context: &SpanContext) -> Self {
        Self {
            trace: context.trace_id(),
            span: context.span_id(),
            flags: context.trace_flags(),
        }
    }

    pub(crate) fn context(&self) -> SpanContext {
        SpanContext::new(self.trace, self.span, self.flags, true, TraceState::default())
    }
}

impl FromStr for TraceParent {
    type Err = NotATraceParent;

    /// A later version may append fields; its first four are those of version 00.
    fn from_str(text: &str) -> Result<Self, NotATraceParent> {
        let mut fields = text.split('-');
        let mut field = |length: usize| {
            let lower = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
            fields
                .next()
                .filter(|field| field.len() == length && field.bytes().all(lower))
                .ok_or(NotATraceParent)
        };
        let (version, trace, span, flags) = (field(2)?, field(32)?, field(16)?, field(2)?);
        let trace = TraceId::from_hex(trace).map_err(|_| NotATraceParent)?;
        let span = SpanId::from_hex(span).map_err(|_| NotATraceParent)?;
        let flags = u8::from_str_radix(flags, 16).map_err(|_| NotATraceParent)?;
        let whole = text.len() == LENGTH || (version != "00" && text.len() > LENGTH);
        if version == "ff" || !whole || trace == TraceId::INVALID || span == SpanId::INVALID {
            return Err(NotATraceParent);
        }
        let flags = TraceFlags::new(flags) & TraceFlags::SAMPLED;
        Ok(Self { trace, span, flags })
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-{:02x}", self.trace, self.span, self.flags.to_u8())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const TEXT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_traceparent_survives_its_text() {
        let parent: TraceParent = TEXT.parse().unwrap();
        assert_eq!(parent.to_string(), TEXT);
        assert!(parent.is_sampled());
        assert_eq!(parent.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
    }

    #[test]
    fn a_later_version_is_read_as_far_as_it_is_known() {
        let later = format!("01-{}-more", TEXT.get(3..).unwrap());
        assert_eq!(later.parse::<TraceParent>().unwrap().to_string(), TEXT);
    }

    #[test]
    fn what_is_none_is_refused_and_what_is_not_recorded_is_not_followed() {
        for text in [
            "",
            "00-zz",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
        ] {
            assert!(text.parse::<TraceParent>().is_err(), "{text}");
        }
        assert!(TraceParent::sampled(TEXT).is_some());
        let silent = TEXT.replace("-01", "-00");
        assert!(silent.parse::<TraceParent>().is_ok() && TraceParent::sampled(&silent).is_none());
    }
}
