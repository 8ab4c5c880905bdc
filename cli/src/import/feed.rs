//! Second pass: the file as a row of events, in the order in which they are applied.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use jiff::ToSpan;
use jiff::civil::Date;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc::Sender;

use super::catalogue::{self, Catalogue};
use super::input::{Found, Lines};
use super::invoice::{Gatherer, Invoice};
use super::record::{self, Reason, Record};
use super::rules::{self, Kind};
use super::sorted::Source;
use super::supply::{self, Receipts};

/// What the report keeps of a line that is none.
const SHOWN_BYTES: usize = 500;

/// What happens next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Body {
    /// Goods come in at the beginning of a day. There is one for every day, be it empty, so that the numbers of events
    /// do not depend on what later lines say.
    Receipts(Date, Receipts),
    /// An invoice.
    Invoice(Invoice),
}

/// One step of the replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    /// Position among the events of the file, from 1.
    pub(crate) number: u64,
    /// Digest of this event and all before it: tells whether a file still begins as it did.
    pub(crate) chain: String,
    /// What happens.
    pub(crate) body: Body,
}

/// What the reader finds, in order of time.
#[derive(Debug)]
pub(crate) enum Item {
    /// A line that is not imported.
    Rejected { line: u64, reason: Reason, content: String },
    /// A step of the replay.
    Event(Box<Event>),
    /// The end, with the number of goods lines that were read and belong to invoices that may go on behind it.
    End { unfinished: u64 },
}

/// What decides how a file becomes events.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FeedOptions {
    /// Demand that an item opens with, in days.
    pub(crate) days_of_stock: u16,
    /// Read no more lines than this.
    pub(crate) limit: Option<u64>,
}

/// Reads the file and sends what it finds; ends early without an error when nobody listens any more. Blocks.
pub(crate) fn read(path: &Path, catalogue: &Arc<Catalogue>, options: FeedOptions, sender: Sender<Item>) -> Result<()> {
    let mut lines = Lines::open(path)?;
    let mut buffer = Vec::new();
    catalogue::header(&mut lines, &mut buffer)?;
    let most = options.limit.unwrap_or(u64::MAX).min(catalogue.lines);
    let mut source = if catalogue.out_of_order == 0 {
        Source::Plain(lines)
    } else {
        Source::sort(lines, &catalogue.columns, catalogue.lines)?
    };
    let mut feed = Feed {
        catalogue: Arc::clone(catalogue),
        options,
        sender,
        day: catalogue.first_day,
        number: 0,
        chain: Sha256::digest(catalogue.dataset.as_bytes()).to_vec(),
    };
    // The listener may go first; then there is nothing more to do.
    let _gone = feed.run(&mut source, most, &mut buffer);
    Ok(())
}

/// Nobody listens any more.
struct Gone;

struct Feed {
    catalogue: Arc<Catalogue>,
    options: FeedOptions,
    sender: Sender<Item>,
    /// The next day whose receipts are due.
    day: Option<Date>,
    number: u64,
    chain: Vec<u8>,
}

impl Feed {
    fn run(&mut self, source: &mut Source, most: u64, buffer: &mut Vec<u8>) -> Result<(), Gone> {
        let mut gatherer = Gatherer::default();
        let mut read = 0;
        // The first pass has found where the file breaks off, if it does: the count of lines ends before that.
        while read < most {
            let Ok(Some((number, found))) = source.next(buffer) else {
                break;
            };
            read = read.saturating_add(1);
            match self.take(number, found, buffer) {
                Ok((record, kind)) => gatherer.push(read, record, kind),
                Err(rejected) => self.send(rejected)?,
            }
            while let Some(invoice) = gatherer.pop(read) {
                self.invoice(invoice)?;
            }
        }
        let mut unfinished = 0;
        // What follows may belong to the invoices that are still open: they are left to the next run.
        let cut = self.catalogue.damage.is_some() || read < self.catalogue.lines;
        for invoice in gatherer.finish() {
            if cut {
                unfinished += u64::try_from(invoice.lines.len()).unwrap_or(0);
            } else {
                self.invoice(invoice)?;
            }
        }
        self.send(Item::End { unfinished })
    }

    /// Reads a line and tells what it does; or why it is none.
    fn take(&self, number: u64, found: Found, line: &[u8]) -> Result<(Record, Kind), Item> {
        let read = match found {
            Found::TooLong => Err(Reason::TooLong),
            _ => record::read(number, line, &self.catalogue.columns),
        };
        match read {
            Ok(record) => {
                let kind = rules::kind(&record, &self.catalogue);
                Ok((record, kind))
            }
            Err(reason) => {
                let shown = line.get(..SHOWN_BYTES).unwrap_or(line);
                Err(Item::Rejected {
                    line: number,
                    reason,
                    content: String::from_utf8_lossy(shown).into_owned(),
                })
            }
        }
    }

    fn invoice(&mut self, invoice: Invoice) -> Result<(), Gone> {
        while let Some(day) = self.day.filter(|day| *day <= invoice.day) {
            let receipts = supply::receipts(&self.catalogue, day, self.options.days_of_stock);
            self.event(day.to_string().as_bytes(), Body::Receipts(day, receipts))?;
            self.day = day.checked_add(1.day()).ok();
        }
        let mut content = invoice.key();
        for line in &invoice.lines {
            content.push_str(&format!("\n{} {} {:?}", line.sku, line.quantity, line.kind));
        }
        self.event(content.as_bytes(), Body::Invoice(invoice))
    }

    fn event(&mut self, content: &[u8], body: Body) -> Result<(), Gone> {
        let mut digest = Sha256::new();
        digest.update(&self.chain);
        digest.update(content);
        self.chain = digest.finalize().to_vec();
        self.number = self.number.saturating_add(1);
        let chain = catalogue::hex(&self.chain, 16);
        self.send(Item::Event(Box::new(Event {
            number: self.number,
            chain,
            body,
        })))
    }

    fn send(&self, item: Item) -> Result<(), Gone> {
        self.sender.blocking_send(item).map_err(|_| Gone)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::PathBuf;

    use super::super::catalogue::tests::HEADER;
    use super::*;

    const LINES: &str = "1,90001,LAMP,3,2021-03-01T08:00:00,1,,N\n\
         1,POST,POSTAGE,1,2021-03-01T08:00:00,1,,N\n\
         2,90001,LAMP,4,2021-03-03T08:00:00,1,,N\n";

    fn file(name: &str, text: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("onhand-feed-{}-{name}", std::process::id()));
        std::fs::write(&path, text).unwrap();
        path
    }

    fn items(path: &Path, limit: Option<u64>) -> Vec<Item> {
        let catalogue = Arc::new(Catalogue::read(path).unwrap());
        let (sender, mut receiver) = tokio::sync::mpsc::channel(1_000);
        read(
            path,
            &catalogue,
            FeedOptions {
                days_of_stock: 14,
                limit,
            },
            sender,
        )
        .unwrap();
        std::iter::from_fn(|| receiver.blocking_recv()).collect()
    }

    fn events(items: &[Item]) -> Vec<(u64, String)> {
        items
            .iter()
            .filter_map(|item| match item {
                Item::Event(event) => Some((event.number, event.chain.clone())),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn receipts_of_a_day_come_before_its_invoices_and_no_day_is_left_out() {
        let path = file("order", &format!("{HEADER}{LINES}"));
        let items = items(&path, None);
        let order: Vec<String> = items
            .iter()
            .map(|item| match item {
                Item::Rejected { line, reason, .. } => format!("{line} {}", reason.as_str()),
                Item::Event(event) => match &event.body {
                    Body::Receipts(day, receipts) => format!("{day} {}", receipts.opening.len()),
                    Body::Invoice(invoice) => invoice.key(),
                },
                Item::End { unfinished } => format!("end {unfinished}"),
            })
            .collect();
        assert_eq!(
            order,
            [
                "3 not_goods",
                "2021-03-01 1",
                "1@2",
                "2021-03-02 0",
                "2021-03-03 0",
                "2@4",
                "end 0"
            ]
        );
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_grown_file_begins_with_the_same_events() {
        let filler = "7,90009,CUP,1,2021-03-03T09:00:00,1,,N\n".repeat(300);
        let short = file("short", &format!("{HEADER}{LINES}"));
        let grown = file("grown", &format!("{HEADER}{LINES}{filler}"));
        let (short_events, grown_events) = (events(&items(&short, None)), events(&items(&grown, None)));
        assert!(grown_events.starts_with(&short_events));
        assert!(grown_events.len() > short_events.len());
        for path in [short, grown] {
            std::fs::remove_file(path).unwrap();
        }
    }

    #[test]
    fn a_limit_leaves_invoices_that_may_go_on() {
        let path = file("limit", &format!("{HEADER}{LINES}"));
        let items = items(&path, Some(2));
        assert!(matches!(items.last(), Some(Item::End { unfinished: 1 })));
        assert!(events(&items).is_empty());
        std::fs::remove_file(path).unwrap();
    }
}
