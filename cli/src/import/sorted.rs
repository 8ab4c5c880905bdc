//! The lines of a file in the order of their times.
//!
//! Most files are in order already and are read as they stand. One that is not is sorted through temporary files, so
//! that its size does not matter. A line that cannot be read has no time and goes with the line before it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use anyhow::{Context, Result};

use super::header::Columns;
use super::input::{Found, Lines};
use super::record;

/// Lines that are sorted in memory at a time; about 20 MB of order lines.
const RUN: usize = 100_000;
/// Bytes in one run, whatever the lines look like.
const RUN_BYTES: usize = 64 * 1024 * 1024;

/// A line with its place in the file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    /// Microseconds since 1970.
    time: i64,
    /// Number of the line; among equals in time the order of the file counts.
    number: u64,
    too_long: bool,
    bytes: Vec<u8>,
}

/// Where the second pass takes its lines from.
pub(crate) enum Source {
    /// The file itself.
    Plain(Lines),
    /// Its sorted parts.
    Sorted(Merge),
}

impl Source {
    /// The next line, with its number; it stands in the buffer.
    pub(crate) fn next(&mut self, buffer: &mut Vec<u8>) -> Result<Option<(u64, Found)>> {
        match self {
            Self::Plain(lines) => match lines.next(buffer)? {
                Found::End => Ok(None),
                found => Ok(Some((lines.number(), found))),
            },
            Self::Sorted(merge) => {
                let Some(entry) = merge.next()? else { return Ok(None) };
                *buffer = entry.bytes;
                Ok(Some((
                    entry.number,
                    if entry.too_long { Found::TooLong } else { Found::Line },
                )))
            }
        }
    }

    /// Sorts the first `most` lines that are left.
    pub(crate) fn sort(lines: Lines, columns: &Columns, most: u64) -> Result<Self> {
        Ok(Self::Sorted(Merge::of(
            lines,
            columns,
            most,
            &std::env::temp_dir(),
            RUN,
        )?))
    }
}

/// Sorted parts of a file, merged while they are read.
pub(crate) struct Merge {
    runs: Vec<BufReader<File>>,
    heads: BinaryHeap<Reverse<(Entry, usize)>>,
}

impl Merge {
    fn of(mut lines: Lines, columns: &Columns, most: u64, folder: &Path, run_lines: usize) -> Result<Self> {
        let mut merge = Self {
            runs: Vec::new(),
            heads: BinaryHeap::new(),
        };
        let mut run: Vec<Entry> = Vec::new();
        let (mut buffer, mut size, mut time, mut read) = (Vec::new(), 0_usize, i64::MIN, 0_u64);
        while read < most {
            // Where the file breaks off was found by the first pass, which counted the lines before that.
            let Ok(found) = lines.next(&mut buffer) else { break };
            if found == Found::End {
                break;
            }
            read = read.saturating_add(1);
            if let Ok(record) = record::read(lines.number(), &buffer, columns) {
                time = record.at.as_microsecond();
            }
            size = size.saturating_add(buffer.len());
            run.push(Entry {
                time,
                number: lines.number(),
                too_long: found == Found::TooLong,
                bytes: buffer.clone(),
            });
            if run.len() >= run_lines || size >= RUN_BYTES {
                merge.spill(&mut run, folder)?;
                size = 0;
            }
        }
        merge.spill(&mut run, folder)?;
        for at in 0..merge.runs.len() {
            merge.refill(at)?;
        }
        Ok(merge)
    }

    fn spill(&mut self, run: &mut Vec<Entry>, folder: &Path) -> Result<()> {
        let path = folder.join(format!("onhand-import-{}-{}", std::process::id(), self.runs.len()));
        let failed = || {
            format!(
                "the file is not in order of time, and {} cannot be written to sort it",
                path.display()
            )
        };
        let file = File::options()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&path)
            .with_context(failed)?;
        // Without a name it goes when this program goes, whatever ends it.
        std::fs::remove_file(&path).with_context(failed)?;
        let mut writer = BufWriter::new(file);
        run.sort_unstable();
        for entry in run.drain(..) {
            write(&mut writer, &entry).with_context(failed)?;
        }
        let mut file = writer
            .into_inner()
            .map_err(std::io::IntoInnerError::into_error)
            .with_context(failed)?;
        file.seek(SeekFrom::Start(0)).with_context(failed)?;
        self.runs.push(BufReader::new(file));
        Ok(())
    }

    fn next(&mut self) -> Result<Option<Entry>> {
        let Some(Reverse((entry, at))) = self.heads.pop() else {
            return Ok(None);
        };
        self.refill(at)?;
        Ok(Some(entry))
    }

    fn refill(&mut self, at: usize) -> Result<()> {
        let Some(run) = self.runs.get_mut(at) else {
            return Ok(());
        };
        if let Some(entry) = read(run).context("a temporary file cannot be read")? {
            self.heads.push(Reverse((entry, at)));
        }
        Ok(())
    }
}

fn write(writer: &mut impl Write, entry: &Entry) -> std::io::Result<()> {
    let length = u32::try_from(entry.bytes.len()).map_err(std::io::Error::other)?;
    writer.write_all(&entry.time.to_le_bytes())?;
    writer.write_all(&entry.number.to_le_bytes())?;
    writer.write_all(&[u8::from(entry.too_long)])?;
    writer.write_all(&length.to_le_bytes())?;
    writer.write_all(&entry.bytes)
}

fn read(reader: &mut impl Read) -> std::io::Result<Option<Entry>> {
    let mut time = [0; 8];
    match reader.read_exact(&mut time) {
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
        result => result?,
    }
    let (mut number, mut flag, mut length) = ([0; 8], [0; 1], [0; 4]);
    reader.read_exact(&mut number)?;
    reader.read_exact(&mut flag)?;
    reader.read_exact(&mut length)?;
    let mut bytes = vec![0; usize::try_from(u32::from_le_bytes(length)).map_err(std::io::Error::other)?];
    reader.read_exact(&mut bytes)?;
    Ok(Some(Entry {
        time: i64::from_le_bytes(time),
        number: u64::from_le_bytes(number),
        too_long: flag == [1],
        bytes,
    }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Cursor;

    use super::super::catalogue;
    use super::super::catalogue::tests::HEADER;
    use super::*;

    fn sorted(lines: &str, run: usize) -> Vec<u64> {
        let mut lines = Lines::of(Cursor::new(format!("{HEADER}{lines}")));
        let mut buffer = Vec::new();
        let columns = catalogue::header(&mut lines, &mut buffer).unwrap();
        let merge = Merge::of(lines, &columns, u64::MAX, &std::env::temp_dir(), run).unwrap();
        let mut source = Source::Sorted(merge);
        std::iter::from_fn(|| source.next(&mut buffer).unwrap())
            .map(|(number, _)| number)
            .collect()
    }

    #[test]
    fn lines_come_in_the_order_of_their_times_whatever_a_run_holds() {
        let text = "1,90001,LAMP,1,2021-03-03T08:00:00,1,,N\n\
             unreadable\n\
             2,90001,LAMP,1,2021-03-01T08:00:00,1,,N\n\
             3,90001,LAMP,1,2021-03-02T08:00:00,1,,N\n\
             4,90001,LAMP,1,2021-03-01T08:00:00,1,,N\n";
        for run in [1, 2, 3, 100] {
            assert_eq!(sorted(text, run), [4, 6, 5, 2, 3], "{run}");
        }
    }
}
