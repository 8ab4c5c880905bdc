//! A collector of traces for tests: takes OTLP over HTTP (protobuf) and keeps the spans.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::Span as WireSpan;
use prost::Message;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A span as a test looks at it; ids in hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// `service.name` of the process that made it.
    pub service: String,
    /// Name.
    pub name: String,
    /// Trace.
    pub trace: String,
    /// Its own id.
    pub id: String,
    /// Its parent, empty for a root.
    pub parent: String,
    /// Begin, nanoseconds since 1970.
    pub start: u64,
    /// End, nanoseconds since 1970.
    pub end: u64,
}

/// A collector that listens until the test ends.
#[derive(Debug, Clone)]
pub struct Collector {
    /// What `OTEL_EXPORTER_OTLP_ENDPOINT` is to be.
    pub endpoint: String,
    spans: Arc<Mutex<Vec<Span>>>,
}

impl Collector {
    /// Listens on a free port.
    ///
    /// # Errors
    /// If there is none.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let collector = Self {
            endpoint: format!("http://{}", listener.local_addr()?),
            spans: Arc::default(),
        };
        let spans = Arc::clone(&collector.spans);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let spans = Arc::clone(&spans);
                tokio::spawn(async move {
                    if let Err(error) = serve(stream, &spans).await {
                        eprintln!("collector: {error:#}");
                    }
                });
            }
        });
        Ok(collector)
    }

    /// The spans of one trace so far, by their begin.
    #[must_use]
    pub fn trace(&self, trace: &str) -> Vec<Span> {
        let spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found: Vec<Span> = spans.iter().filter(|span| span.trace == trace).cloned().collect();
        found.sort_by_key(|span| span.start);
        found
    }
}

/// Requests of one connection, one after the other.
async fn serve(stream: TcpStream, spans: &Mutex<Vec<Span>>) -> Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut request = String::new();
        if stream.read_line(&mut request).await? == 0 {
            return Ok(());
        }
        if !request.starts_with("POST /v1/traces ") {
            bail!("not asked for traces: {request}");
        }
        let mut length = None;
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).await?;
            let Some((name, value)) = line.split_once(':') else {
                break;
            };
            if name.eq_ignore_ascii_case("content-length") {
                length = Some(value.trim().parse()?);
            }
        }
        let mut body = vec![0; length.context("a body without length")?];
        stream.read_exact(&mut body).await?;
        let request = ExportTraceServiceRequest::decode(body.as_slice())?;
        spans
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(read(request));
        let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";
        stream.get_mut().write_all(answer.as_bytes()).await?;
    }
}

fn read(request: ExportTraceServiceRequest) -> Vec<Span> {
    let mut found = Vec::new();
    for resource in request.resource_spans {
        let attributes = resource
            .resource
            .map(|resource| resource.attributes)
            .unwrap_or_default();
        let service = text(&attributes, "service.name");
        let spans = resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
        found.extend(spans.map(|span| span_of(&service, &span)));
    }
    found
}

fn span_of(service: &str, span: &WireSpan) -> Span {
    Span {
        service: service.to_owned(),
        name: span.name.clone(),
        trace: hex(&span.trace_id),
        id: hex(&span.span_id),
        parent: hex(&span.parent_span_id),
        start: span.start_time_unix_nano,
        end: span.end_time_unix_nano,
    }
}

fn text(attributes: &[KeyValue], name: &str) -> String {
    let value = attributes.iter().find(|attribute| attribute.key == name);
    match value
        .and_then(|found| found.value.as_ref())
        .and_then(|found| found.value.as_ref())
    {
        Some(any_value::Value::StringValue(text)) => text.clone(),
        _ => String::new(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
