//! The report file: every line that was not imported as it stands, with the reason.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Columns line, reason, content.
pub(crate) struct Report {
    writer: csv::Writer<File>,
    path: PathBuf,
}

impl Report {
    /// Begins the file anew: a report speaks of the whole input, whatever earlier runs did.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let failed = || format!("the report {} cannot be written", path.display());
        let mut writer = csv::Writer::from_path(path).with_context(failed)?;
        writer
            .write_record(["line", "reason", "content"])
            .with_context(failed)?;
        Ok(Self {
            writer,
            path: path.to_owned(),
        })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// One row.
    pub(crate) fn add(&mut self, line: u64, reason: &str, content: &str) -> Result<()> {
        self.writer
            .write_record([line.to_string().as_str(), reason, content])
            .with_context(|| format!("the report {} cannot be written", self.path.display()))
    }

    /// Writes out what is buffered.
    pub(crate) fn flush(&mut self) -> Result<()> {
        self.writer
            .flush()
            .with_context(|| format!("the report {} cannot be written", self.path.display()))
    }
}

/// Beside nobody's data: in the working folder, named after the input.
pub(crate) fn default_path(input: &Path) -> PathBuf {
    let name = input
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let stem = name.strip_suffix(".gz").unwrap_or(&name);
    let stem = stem.strip_suffix(".csv").unwrap_or(stem);
    PathBuf::from(format!(
        "{}.import-report.csv",
        if stem.is_empty() { "orders" } else { stem }
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn content_with_commas_and_quotes_is_kept() {
        let path = std::env::temp_dir().join(format!("onhand-report-{}", std::process::id()));
        let mut report = Report::create(&path).unwrap();
        report.add(7, "bad_quote", r#"1,"LAMP,3"#).unwrap();
        report.flush().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(text, "line,reason,content\n7,bad_quote,\"1,\"\"LAMP,3\"\n");
    }

    #[test]
    fn the_default_is_named_after_the_input() {
        assert_eq!(
            default_path(Path::new("/data/orders.csv.gz")),
            Path::new("orders.import-report.csv")
        );
        assert_eq!(default_path(Path::new("orders")), Path::new("orders.import-report.csv"));
    }
}
