//! The spans of one batch: each traced command has its own, under the request that it came with.

use onhand_trace::{KeyValue, Span, SpanBuilder, SpanKind, TraceParent};
use serde_json::Value;

use crate::lane::{Command, ExecuteError};

/// Other traces of the batch that a span names at most: they shared its transaction.
const MAX_LINKS: usize = 16;

/// Spans of the commands of one call of `api.apply_commands`. They end when it is dropped.
#[derive(Debug, Default)]
pub(super) struct BatchTrace {
    /// Place of the command in the batch, and its span.
    spans: Vec<(usize, Span)>,
}

impl BatchTrace {
    /// Begins a span for each command whose request is traced. The trace context of that span goes into the ledger in place of
    /// the request's, so that everything that follows from the commit hangs under it.
    pub(super) fn begin(commands: &[Command], batch: &mut [Value]) -> Self {
        if !onhand_trace::enabled() {
            return Self::default();
        }
        let parents: Vec<(usize, TraceParent)> = commands
            .iter()
            .enumerate()
            .filter_map(|(place, command)| Some((place, TraceParent::sampled(command.traceparent.as_deref()?)?)))
            .collect();
        let size = i64::try_from(commands.len()).unwrap_or(i64::MAX);
        let mut spans = Vec::with_capacity(parents.len());
        for (place, parent) in &parents {
            let others = parents
                .iter()
                .filter(|(other, _)| other != place)
                .map(|(_, other)| other);
            let span = SpanBuilder::new("api.apply_commands", SpanKind::Client)
                .attributes(vec![
                    KeyValue::new("db.system.name", "postgresql"),
                    KeyValue::new("db.query.summary", "SELECT api.apply_commands"),
                    KeyValue::new("db.operation.batch.size", size),
                ])
                .links(others.take(MAX_LINKS))
                .start(Some(parent));
            let Some(span) = span else {
                continue;
            };
            if let Some(Value::Object(command)) = batch.get_mut(*place) {
                command.insert("traceparent".to_owned(), Value::String(span.parent().to_string()));
            }
            spans.push((*place, span));
        }
        Self { spans }
    }

    /// The call failed as a whole.
    pub(super) fn failed(&mut self, error: &ExecuteError) {
        for (_, span) in &mut self.spans {
            span.failed(error.to_string());
        }
    }

    /// A rule refused one command.
    pub(super) fn refused(&mut self, refused: usize, code: &'static str) {
        for (_, span) in self.spans.iter_mut().filter(|(place, _)| *place == refused) {
            span.attribute(KeyValue::new("db.response.status_code", code));
        }
    }
}
