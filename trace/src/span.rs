//! Spans, made with explicit times.

use std::borrow::Cow;
use std::time::SystemTime;

use opentelemetry::trace::{Span as _, SpanKind, Status, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::Span as SdkSpan;

use crate::TraceParent;
use crate::export::tracer;

/// Another span that this one has to do with.
pub type Link = opentelemetry::trace::Link;

/// A span to be begun.
#[derive(Debug)]
pub struct SpanBuilder {
    inner: opentelemetry::trace::SpanBuilder,
}

/// A span under way. It ends when it is dropped, unless it was ended with a time of its own.
#[derive(Debug)]
pub struct Span {
    inner: SdkSpan,
}

impl SpanBuilder {
    /// A span of this name, which must be one of few: details go into attributes.
    #[must_use]
    pub fn new(name: impl Into<Cow<'static, str>>, kind: SpanKind) -> Self {
        Self {
            inner: opentelemetry::trace::SpanBuilder::from_name(name).with_kind(kind),
        }
    }

    /// When it began; now if this is left out.
    #[must_use]
    pub fn at(mut self, start: SystemTime) -> Self {
        self.inner = self.inner.with_start_time(start);
        self
    }

    /// What is to be known about it.
    #[must_use]
    pub fn attributes(mut self, attributes: Vec<KeyValue>) -> Self {
        self.inner = self.inner.with_attributes(attributes);
        self
    }

    /// Spans of other traces that share its work.
    #[must_use]
    pub fn links<'a>(mut self, others: impl Iterator<Item = &'a TraceParent>) -> Self {
        let links = others.map(|other| Link::with_context(other.context())).collect();
        self.inner = self.inner.with_links(links);
        self
    }

    /// Begins it under a parent, or as the root of a trace of its own. `None` if traces are off or the sampler leaves
    /// this one out.
    #[must_use]
    pub fn start(self, parent: Option<&TraceParent>) -> Option<Span> {
        let context = match parent {
            Some(parent) => Context::new().with_remote_span_context(parent.context()),
            None => Context::new(),
        };
        let inner = tracer()?.build_with_context(self.inner, &context);
        inner.is_recording().then_some(Span { inner })
    }
}

impl Span {
    /// What its children refer to.
    #[must_use]
    pub fn parent(&self) -> TraceParent {
        TraceParent::of(self.inner.span_context())
    }

    /// Adds what was not known at its begin.
    pub fn attribute(&mut self, attribute: KeyValue) {
        self.inner.set_attribute(attribute);
    }

    /// Marks it as failed.
    pub fn failed(&mut self, why: impl Into<Cow<'static, str>>) {
        self.inner.set_status(Status::error(why));
    }

    /// Ends it at this time.
    pub fn end_at(mut self, end: SystemTime) {
        self.inner.end_with_timestamp(end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_collector_there_are_no_spans() {
        assert!(SpanBuilder::new("nothing", SpanKind::Internal).start(None).is_none());
    }
}
