//! `onhand logs`: the last lines of a part's log, and what is added.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::layout::Layout;
use super::parts;

const POLL: Duration = Duration::from_millis(250);
/// The end of the file that is searched for the last lines.
const WINDOW: u64 = 4 * 1024 * 1024;

/// Prints the last lines of a part's log and, if asked, follows it until interrupted.
pub(crate) async fn logs(part: &str, lines: usize, follow: bool) -> Result<()> {
    let names: Vec<&str> = parts::all().iter().map(|part| part.name).collect();
    if !names.contains(&part) {
        bail!("no part is called {part}; there are: {}", names.join(", "));
    }
    let path = Layout::from_env()?.log(part);
    let mut out = io::stdout();
    for line in tail(&path, lines).with_context(|| format!("{part} has no log yet"))? {
        if writeln!(out, "{line}").is_err() {
            return Ok(());
        }
    }
    if follow { follow_file(&path).await } else { Ok(()) }
}

/// The last lines of a file.
pub(crate) fn tail(path: &Path, lines: usize) -> Result<Vec<String>> {
    let mut file = File::open(path).with_context(|| format!("{} could not be opened", path.display()))?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(WINDOW)))?;
    let mut last = std::collections::VecDeque::new();
    for line in BufReader::new(file).split(b'\n') {
        if last.len() == lines {
            last.pop_front();
        }
        if lines > 0 {
            last.push_back(String::from_utf8_lossy(&line?).into_owned());
        }
    }
    Ok(last.into())
}

async fn follow_file(path: &Path) -> Result<()> {
    let mut file = File::open(path)?;
    let mut position = file.seek(SeekFrom::End(0))?;
    loop {
        tokio::time::sleep(POLL).await;
        // A log that was set aside starts anew under the same name.
        let Ok(metadata) = std::fs::metadata(path) else {
            continue;
        };
        if metadata.len() < position {
            file = File::open(path)?;
            position = 0;
        }
        file.seek(SeekFrom::Start(position))?;
        let mut added = Vec::new();
        file.read_to_end(&mut added)?;
        position = position.saturating_add(u64::try_from(added.len())?);
        if io::stdout()
            .write_all(&added)
            .and_then(|()| io::stdout().flush())
            .is_err()
        {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_last_lines_come_in_order() {
        let path = std::env::temp_dir().join(format!("onhand-tail-{}", std::process::id()));
        std::fs::write(&path, "one\ntwo\nthree\n").unwrap();
        let two = tail(&path, 2).unwrap();
        let many = tail(&path, 9).unwrap();
        let none = tail(&path, 0).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(two, ["two", "three"]);
        assert_eq!(many, ["one", "two", "three"]);
        assert!(none.is_empty());
    }
}
