//! Letters as rows, as text and as JSON. A row is printed as soon as it is known: there may be many.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Write};

use anyhow::Result;
use onhand_consumers::letters::{Act, Letter};
use serde_json::{Value, json};

/// Columns of a terminal that a reason gets.
const REASON_CHARS: usize = 80;
/// Bytes of a line of a dump.
const DUMP_LINE: usize = 32;

/// How many letters there are, by dead-letter topic.
#[derive(Debug, Default)]
pub(super) struct Tally {
    topics: BTreeMap<String, u64>,
    total: u64,
}

impl Tally {
    pub(super) fn add(&mut self, letter: &Letter) {
        self.total += 1;
        *self.topics.entry(letter.id.topic.clone()).or_default() += 1;
    }

    pub(super) fn total(&self) -> u64 {
        self.total
    }
}

/// Prints a line. A reader that has seen enough (`| head`) is no failure.
pub(super) fn line(text: &str) -> Result<()> {
    match writeln!(std::io::stdout(), "{text}") {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        written => Ok(written?),
    }
}

fn state(letter: &Letter) -> &'static str {
    match letter.act {
        None => "open",
        Some(Act::Redrive) => "redriven",
        Some(Act::Drop) => "dropped",
    }
}

/// One letter as a row, the first with the heads of the columns.
pub(super) fn row(letter: &Letter, first: bool) -> Result<()> {
    if first {
        line(&format!(
            "{:<20} {:<8} {:>5}  {:<64} REASON",
            "FAILED AT", "STATE", "TRIES", "LETTER"
        ))?;
    }
    let reason: String = letter
        .reason
        .replace(char::is_control, " ")
        .chars()
        .take(REASON_CHARS)
        .collect();
    line(&format!(
        "{:<20} {:<8} {:>5}  {:<64} {reason}",
        letter.failed_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        state(letter),
        letter.retry_count.saturating_add(1),
        letter.id.to_string(),
    ))
}

/// How many there are.
pub(super) fn totals(tally: &Tally, limit: u64) -> Result<()> {
    for (topic, count) in &tally.topics {
        line(&format!("{count} in {topic}"))?;
    }
    match tally.total() {
        0 => line("no dead letters"),
        total if total > limit => line(&format!("{total} letters, the first {limit} shown")),
        total => line(&format!("{total} letters")),
    }
}

fn facts(letter: &Letter) -> Value {
    json!({
        "letter": letter.id,
        "state": state(letter),
        "failed_at": letter.failed_at.to_string(),
        "retry_count": letter.retry_count,
        "reason": letter.reason,
        "stage": letter.stage,
        "original": letter.origin,
        "bytes": letter.bytes(),
    })
}

/// One letter as a line of JSON, without what is in it.
pub(super) fn object(letter: &Letter) -> Result<()> {
    line(&facts(letter).to_string())
}

/// One letter with all that is in it, bytes as hexadecimal digits.
pub(super) fn whole_object(letter: &Letter) -> Result<()> {
    let mut object = facts(letter);
    let headers: Vec<Value> = letter
        .headers
        .iter()
        .map(|(name, value)| json!({"name": name, "text": text(value.as_deref()), "hex": hex(value.as_deref())}))
        .collect();
    if let Some(fields) = object.as_object_mut() {
        fields.insert("headers".to_owned(), json!(headers));
        for (name, bytes) in [("key", &letter.key), ("value", &letter.value)] {
            fields.insert(format!("{name}_text"), json!(text(bytes.as_deref())));
            fields.insert(format!("{name}_hex"), json!(hex(bytes.as_deref())));
        }
    }
    line(&object.to_string())
}

/// One letter for a person.
pub(super) fn whole(letter: &Letter) -> Result<()> {
    let origin = &letter.origin;
    let known = |value: Option<String>| value.unwrap_or_else(|| "unknown".to_owned());
    line(&format!("letter       {}", letter.id))?;
    line(&format!("state        {}", state(letter)))?;
    line(&format!("failed at    {}", letter.failed_at))?;
    line(&format!("attempts     {}", letter.retry_count.saturating_add(1)))?;
    line(&format!("stage        {}", known(letter.stage.clone())))?;
    line(&format!("reason       {}", letter.reason))?;
    line(&format!("group        {}", known(origin.group.clone())))?;
    line(&format!(
        "came from    {} partition {} offset {}",
        known(origin.topic.clone()),
        known(origin.partition.map(|partition| partition.to_string())),
        known(origin.offset.map(|offset| offset.to_string())),
    ))?;
    for (name, value) in &letter.headers {
        let shown = text(value.as_deref()).or_else(|| hex(value.as_deref()).map(|digits| format!("0x{digits}")));
        line(&format!("header       {name} = {}", known(shown)))?;
    }
    dump("key", letter.key.as_deref())?;
    dump("value", letter.value.as_deref())?;
    line("")
}

fn dump(name: &str, bytes: Option<&[u8]>) -> Result<()> {
    let Some(bytes) = bytes else {
        return line(&format!("{name:<12} none"));
    };
    line(&format!("{name:<12} {} bytes", bytes.len()))?;
    for chunk in bytes.chunks(DUMP_LINE) {
        let digits = hex(Some(chunk)).unwrap_or_default();
        let letters: String = chunk
            .iter()
            .map(|byte| {
                if matches!(byte, 0x20..=0x7e) {
                    char::from(*byte)
                } else {
                    '.'
                }
            })
            .collect();
        line(&format!("    {digits:<64}  {letters}"))?;
    }
    Ok(())
}

/// As text, where it is text that a terminal takes.
fn text(bytes: Option<&[u8]>) -> Option<String> {
    let text = std::str::from_utf8(bytes?).ok()?;
    let harmless = |letter: char| !letter.is_control() || matches!(letter, '\n' | '\t');
    text.chars().all(harmless).then(|| text.to_owned())
}

fn hex(bytes: Option<&[u8]>) -> Option<String> {
    Some(bytes?.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_text_only_where_a_terminal_takes_them() {
        assert_eq!(text(Some(b"abc")).as_deref(), Some("abc"));
        assert_eq!(text(Some(&[0xff])), None);
        assert_eq!(text(Some(b"\x1b[2J")), None);
        assert_eq!(hex(Some(&[0, 0xff])).as_deref(), Some("00ff"));
        assert_eq!(hex(None), None);
    }
}
