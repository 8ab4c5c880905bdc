//! The parts of the stack, one file each. A new part is a new file and a line in [`all`].

mod connect;
mod elasticsearch;
mod kafka;
mod postgres;
mod redis;
mod registry;
mod roles;

use super::Stack;
use super::part::{Launch, Part};

pub(crate) use postgres::{DATABASE, login};

/// All parts, in the order in which tables show them.
pub(crate) fn all() -> Vec<Part> {
    vec![
        postgres::PART,
        redis::PART,
        kafka::PART,
        registry::PART,
        elasticsearch::PART,
        connect::PART,
        roles::CACHE,
        roles::SEARCH,
        roles::PUBLISH,
        roles::INGEST,
        roles::ALERTS,
        roles::API,
        roles::WATCH,
        roles::VERIFY,
    ]
}

/// A JVM with a bounded heap that logs to standard output.
fn jvm(stack: &Stack, heap: &str) -> Launch {
    Launch::new(stack.java.program())
        .arg(format!("-Xmx{heap}"))
        .arg("-Djava.awt.headless=true")
        .arg(format!("-Djava.io.tmpdir={}", stack.layout.tmp().display()))
        .arg("-XX:+ExitOnOutOfMemoryError")
}

/// A JVM with Kafka's class path; the broker and the Connect worker differ only in their main class.
fn kafka_jvm(stack: &Stack, heap: &str) -> Launch {
    const LOG: &str = "-Dorg.slf4j.simpleLogger.";
    jvm(stack, heap)
        .arg(format!("{LOG}logFile=System.out"))
        .arg(format!("{LOG}showDateTime=true"))
        .arg(format!("{LOG}dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSS"))
        .arg(format!("{LOG}showThreadName=false"))
        .arg(format!("{LOG}levelInBrackets=true"))
        .arg(format!("{LOG}log.org.reflections=error"))
        .arg("-cp")
        .arg(format!("{}/*", stack.set().join("kafka").display()))
}

/// A configuration file out of `key = value` pairs.
fn properties(entries: &[(&str, String)]) -> String {
    entries.iter().map(|(key, value)| format!("{key}={value}\n")).collect()
}
