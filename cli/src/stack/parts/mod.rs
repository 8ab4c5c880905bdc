//! The parts of the stack, one file each. A new part is a new file and a line in [`all`].

mod alertmanager;
mod connect;
mod elasticsearch;
mod kafka;
mod observer;
mod postgres;
mod prometheus;
mod redis;
mod registry;
mod roles;

use super::Stack;
use super::layout::Layout;
use super::part::{Launch, Part};

pub(crate) use postgres::{DATABASE, login};
pub(crate) use roles::{ALERTS, alertmanager_setting};

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
        prometheus::PART,
        alertmanager::PART,
    ]
}

/// Parts that watch the others: they run only where they were asked for.
pub(crate) const OBSERVERS: [&str; 2] = [prometheus::PART.name, alertmanager::PART.name];

/// The parts that are to run in this stack: an observer that was started, and not stopped since, is one of them.
pub(crate) fn wanted(layout: &Layout) -> Vec<Part> {
    let mut parts = all();
    parts.retain(|part| !OBSERVERS.contains(&part.name) || layout.pid_file(part.name).exists());
    parts
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
