//! Traces: one request followed from the HTTP interface through Postgres, Debezium and Kafka into the read models.
//!
//! Spans are made by hand with the times that each hop reports, because most hops are told of afterwards, by a record
//! that carries them. They leave by OTLP over HTTP. Everything is off, and costs one look at a flag, unless
//! `OTEL_EXPORTER_OTLP_ENDPOINT` (or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`) names a collector; the other standard
//! variables (`OTEL_TRACES_SAMPLER`, `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_BSP_*`, `OTEL_SDK_DISABLED`...)
//! mean what their specification says.

mod export;
mod parent;
mod span;

pub use export::{ExportError, Exporter, enabled, start};
pub use opentelemetry::trace::SpanKind;
pub use opentelemetry::{KeyValue, Value};
pub use parent::TraceParent;
pub use span::{Link, Span, SpanBuilder};
