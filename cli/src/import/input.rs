//! The lines of a file, plain or compressed, one at a time and never longer than a bound.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

/// A real order line has about 100 bytes; what is longer is no order line, and must not fill the memory.
pub(crate) const LONGEST_LINE: usize = 64 * 1024;

/// First two bytes of a gzip file. The name is not asked: files lose their endings.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Why a file cannot be read, or not to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InputError {
    /// It is not there or may not be read.
    #[error("{} cannot be opened", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It breaks off or is damaged; the lines before are whole.
    #[error("the file is damaged or breaks off after line {after}")]
    Damaged {
        /// The last line that could be read whole; the header is line 1.
        after: u64,
        /// What the decoder says.
        source: std::io::Error,
    },
}

/// What was found in the place of the next line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// A line; it stands in the buffer, without its end.
    Line,
    /// A line longer than [`LONGEST_LINE`]; the buffer holds its beginning.
    TooLong,
    /// Nothing more.
    End,
}

/// Reader of lines.
pub(crate) struct Lines {
    reader: Box<dyn BufRead + Send>,
    number: u64,
}

impl std::fmt::Debug for Lines {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Lines")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

impl Lines {
    /// Opens a file and looks whether it is compressed.
    pub(crate) fn open(path: &Path) -> Result<Self, InputError> {
        let failed = |source| InputError::Open {
            path: path.to_owned(),
            source,
        };
        let mut reader = BufReader::with_capacity(128 * 1024, File::open(path).map_err(failed)?);
        let compressed = reader.fill_buf().map_err(failed)?.starts_with(&GZIP);
        if compressed {
            return Ok(Self::of(BufReader::with_capacity(
                128 * 1024,
                MultiGzDecoder::new(reader),
            )));
        }
        Ok(Self::of(reader))
    }

    /// Lines of any reader.
    pub(crate) fn of(reader: impl BufRead + Send + 'static) -> Self {
        Self {
            reader: Box::new(reader),
            number: 0,
        }
    }

    /// Number of the line that was read last; the first one is 1.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Reads the next line into the buffer, which is cleared first.
    pub(crate) fn next(&mut self, buffer: &mut Vec<u8>) -> Result<Found, InputError> {
        buffer.clear();
        // One byte more than allowed tells a line that is just as long as allowed from one that is too long.
        let most = u64::try_from(LONGEST_LINE.saturating_add(1)).unwrap_or(u64::MAX);
        let damaged = |after| move |source| InputError::Damaged { after, source };
        let read = (&mut self.reader)
            .take(most)
            .read_until(b'\n', buffer)
            .map_err(damaged(self.number))?;
        if read == 0 {
            return Ok(Found::End);
        }
        if buffer.ends_with(b"\n") {
            buffer.pop();
            if buffer.ends_with(b"\r") {
                buffer.pop();
            }
        } else if buffer.len() > LONGEST_LINE {
            self.skip_line()?;
            buffer.truncate(200);
            self.number = self.number.saturating_add(1);
            return Ok(Found::TooLong);
        }
        self.number = self.number.saturating_add(1);
        Ok(Found::Line)
    }

    fn skip_line(&mut self) -> Result<(), InputError> {
        self.reader.skip_until(b'\n').map_err(|source| InputError::Damaged {
            after: self.number,
            source,
        })?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::{Cursor, Write};

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn all(mut lines: Lines) -> (Vec<String>, Option<InputError>) {
        let mut found = Vec::new();
        let mut buffer = Vec::new();
        loop {
            match lines.next(&mut buffer) {
                Ok(Found::End) => return (found, None),
                Ok(Found::Line) => found.push(String::from_utf8(buffer.clone()).unwrap()),
                Ok(Found::TooLong) => found.push("LONG".to_owned()),
                Err(error) => return (found, Some(error)),
            }
        }
    }

    fn gzip(text: &str) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    fn file(name: &str, bytes: &[u8]) -> PathBuf {
        let path = std::env::temp_dir().join(format!("onhand-input-{}-{name}", std::process::id()));
        std::fs::write(&path, bytes).unwrap();
        path
    }

    #[test]
    fn line_ends_of_both_kinds_and_a_last_line_without_one() {
        let (lines, error) = all(Lines::of(Cursor::new("a\r\nb\n\nc")));
        assert_eq!(lines, ["a", "b", "", "c"]);
        assert!(error.is_none());
    }

    #[test]
    fn a_line_without_end_does_not_fill_the_memory() {
        let text = format!("a\n{}\nb\n", "x".repeat(LONGEST_LINE * 3));
        assert_eq!(all(Lines::of(Cursor::new(text))).0, ["a", "LONG", "b"]);
        let just = "x".repeat(LONGEST_LINE);
        assert_eq!(
            all(Lines::of(Cursor::new(format!("{just}\nb")))).0,
            [just.as_str(), "b"]
        );
    }

    #[test]
    fn a_compressed_file_is_known_by_its_bytes() {
        let path = file("whole.csv", &gzip("a\nb\n"));
        assert_eq!(all(Lines::open(&path).unwrap()).0, ["a", "b"]);
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_file_that_breaks_off_says_where() {
        let text: String = (0..5_000)
            .map(|n| format!("line {} {}\n", n, n * 7919 % 1000))
            .collect();
        let bytes = gzip(&text);
        let path = file("cut.gz", bytes.get(..bytes.len() / 2).unwrap());
        let (lines, error) = all(Lines::open(&path).unwrap());
        let Some(InputError::Damaged { after, .. }) = error else {
            panic!("no error")
        };
        assert!(after > 0 && after < 5_000);
        assert_eq!(u64::try_from(lines.len()).unwrap(), after);
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = Lines::open(Path::new("/nowhere/orders.csv")).unwrap_err();
        assert!(error.to_string().contains("/nowhere/orders.csv"));
    }
}
