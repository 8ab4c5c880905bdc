//! An import from beginning to end.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, bail};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Timestamp;
use onhand_db::Pool;
use tokio::sync::mpsc::Receiver;

use super::Import;
use super::catalogue::Catalogue;
use super::feed::{self, Body, Event, FeedOptions, Item};
use super::mark::Mark;
use super::pace::Pace;
use super::report::{self, Report};
use super::summary::{Summary, count};
use super::writer::Writer;

/// Found lines and events that may wait for the database; bounds the memory of the second pass.
const READ_AHEAD: usize = 512;
/// Most lines in one transaction, so that it stays short whatever the invoices look like.
const MOST_LINES: usize = 4_000;
/// Between two lines of progress where there is no terminal.
const PROGRESS_EVERY: Duration = Duration::from_secs(5);

/// Runs the import.
pub(super) async fn run(args: &Import) -> Result<()> {
    let started = Instant::now();
    let settings = args.settings.load_near()?;
    let pool = Pool::new(&settings.database).map_err(anyhow::Error::msg)?;
    let catalogue = Arc::new(first_pass(&args.file).await?);
    let path = args.report.clone().unwrap_or_else(|| report::default_path(&args.file));
    let fresh = Mark::new(args.days_of_stock, args.on_short);
    let writer = Writer::open(pool, &catalogue, &args.location, fresh).await?;
    let report = Report::create(&path)?;
    say_where(&writer);
    let items = second_pass(args, &catalogue);
    let mut replay = Replay {
        resume_at: writer.mark().clone(),
        writer,
        report,
        summary: Summary::default(),
        pace: Pace::new(args.speed),
        progress: Progress::new(args.limit.unwrap_or(u64::MAX).min(catalogue.lines)),
        batch: Vec::new(),
        batch_lines: 0,
        most_invoices: usize::from(args.batch),
        seen: 0,
    };
    let stop = tokio::signal::ctrl_c();
    let ended = tokio::select! {
        biased;
        _ = stop => Err(anyhow!("interrupted; everything up to here is safe, run the same command again to go on")),
        ended = replay.run(items) => ended,
    };
    replay.progress.bar.finish_and_clear();
    replay.report.flush()?;
    let handled = ended?;
    finish(&replay, &catalogue, handled, started)
}

async fn first_pass(path: &Path) -> Result<Catalogue> {
    eprintln!("import: reading {}", path.display());
    let path = path.to_owned();
    let catalogue = tokio::task::spawn_blocking(move || Catalogue::read(&path)).await??;
    eprintln!(
        "import: {} lines, {} items{}",
        count(catalogue.lines),
        count(u64::try_from(catalogue.items.len()).unwrap_or(0)),
        if catalogue.out_of_order == 0 {
            String::new()
        } else {
            format!(
                "; {} lines are earlier than a line before them, so the file is sorted by time",
                count(catalogue.out_of_order)
            )
        }
    );
    Ok(catalogue)
}

fn say_where(writer: &Writer) {
    let done = writer.mark().events;
    if done > 0 {
        eprintln!(
            "import: an earlier run applied the first {} events; going on from there",
            count(done)
        );
    }
}

fn second_pass(args: &Import, catalogue: &Arc<Catalogue>) -> Receiver<Item> {
    let (sender, receiver) = tokio::sync::mpsc::channel(READ_AHEAD);
    let (path, catalogue) = (args.file.clone(), Arc::clone(catalogue));
    let options = FeedOptions {
        days_of_stock: args.days_of_stock,
        limit: args.limit,
    };
    tokio::task::spawn_blocking(move || {
        if let Err(error) = feed::read(&path, &catalogue, options, sender) {
            // The end is missed where the items are counted.
            eprintln!("import: {error:#}");
        }
    });
    receiver
}

/// Prints what it came to and decides whether that was a success.
fn finish(replay: &Replay, catalogue: &Catalogue, handled: Handled, started: Instant) -> Result<()> {
    let left = catalogue
        .lines
        .saturating_sub(handled.lines)
        .saturating_add(handled.unfinished);
    let mut text = format!("{}\n", replay.summary.table(catalogue.lines, left, started.elapsed()));
    if replay.summary.nothing_new() {
        text.push_str("everything was imported before; nothing was changed\n");
    }
    text.push_str(&format!("report: {}\n", replay.report.path().display()));
    // Whoever reads only the beginning does not make a finished import fail.
    let _closed = std::io::stdout().write_all(text.as_bytes());
    replay.summary.check(catalogue.lines, left)?;
    if let Some(damage) = &catalogue.damage {
        let source = std::error::Error::source(damage)
            .map(ToString::to_string)
            .unwrap_or_default();
        bail!(
            "{damage} ({source}); what was whole before that is imported and stays, a run with the whole file goes on from there"
        );
    }
    Ok(())
}

/// How far the file was handled.
#[derive(Debug, Clone, Copy)]
struct Handled {
    /// Lines read.
    lines: u64,
    /// Lines among them that belong to invoices which may go on.
    unfinished: u64,
}

struct Replay {
    writer: Writer,
    /// Where earlier runs came to.
    resume_at: Mark,
    report: Report,
    summary: Summary,
    pace: Pace,
    progress: Progress,
    batch: Vec<Event>,
    batch_lines: usize,
    most_invoices: usize,
    /// Lines found so far.
    seen: u64,
}

impl Replay {
    async fn run(&mut self, mut items: Receiver<Item>) -> Result<Handled> {
        while let Some(item) = items.recv().await {
            match item {
                Item::Rejected { line, reason, content } => {
                    self.seen = self.seen.saturating_add(1);
                    self.summary.reject(reason);
                    self.report.add(line, reason.as_str(), &content)?;
                }
                Item::Event(event) => self.event(*event).await?,
                Item::End { unfinished } => {
                    self.flush().await?;
                    return Ok(Handled {
                        lines: self.seen.saturating_add(unfinished),
                        unfinished,
                    });
                }
            }
        }
        bail!("the file could be read once, but not again")
    }

    async fn event(&mut self, event: Event) -> Result<()> {
        let old = event.number <= self.resume_at.events;
        if event.number == self.resume_at.events && event.chain != self.resume_at.chain {
            bail!("{}", DIFFERS);
        }
        if let Some(at) = time_of(&event).filter(|_| !old) {
            self.keep_pace(at).await?;
        }
        let (lines, size) = sizes(&event);
        self.seen = self.seen.saturating_add(lines);
        self.batch.push(event);
        self.batch_lines = self.batch_lines.saturating_add(size);
        // A batch lies on one side of the mark: events are either looked up or applied.
        let at_mark = self
            .batch
            .last()
            .is_some_and(|event| event.number == self.resume_at.events);
        if at_mark || self.batch.len() >= self.most_invoices || self.batch_lines >= MOST_LINES {
            self.flush().await?;
        }
        Ok(())
    }

    /// Waits until this time of the file; what came before goes out first.
    async fn keep_pace(&mut self, at: Timestamp) -> Result<()> {
        let pause = self.pace.wait(at, Instant::now());
        if !pause.is_zero() {
            self.flush().await?;
            tokio::time::sleep(self.pace.wait(at, Instant::now())).await;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<()> {
        let events = std::mem::take(&mut self.batch);
        self.batch_lines = 0;
        let Some(last) = events.last() else { return Ok(()) };
        let done = if last.number <= self.resume_at.events {
            self.writer.look_back(&events).await?
        } else {
            self.writer.apply(&events).await?
        };
        self.summary.batch(&events, &done, &mut self.report)?;
        self.progress.set(self.seen, &self.summary);
        Ok(())
    }
}

const DIFFERS: &str = "the beginning of this file is not what was imported here before under the same first line; \
    nothing was changed (import it into another --location)";

/// Receipts happen before the orders of their day, whenever those begin: only invoices have a time to wait for.
fn time_of(event: &Event) -> Option<Timestamp> {
    match &event.body {
        Body::Receipts(..) => None,
        Body::Invoice(invoice) => Some(invoice.at),
    }
}

/// Lines of the file, and lines of commands.
fn sizes(event: &Event) -> (u64, usize) {
    match &event.body {
        Body::Receipts(_, receipts) => (0, receipts.opening.len().saturating_add(receipts.replenishment.len())),
        Body::Invoice(invoice) => (u64::try_from(invoice.lines.len()).unwrap_or(0), invoice.lines.len()),
    }
}

/// A bar on a terminal, a line now and then elsewhere.
struct Progress {
    bar: ProgressBar,
    total: u64,
    started: Instant,
    said: Instant,
}

impl Progress {
    fn new(total: u64) -> Self {
        let bar = if std::io::stderr().is_terminal() {
            ProgressBar::new(total)
        } else {
            ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden())
        };
        if let Ok(style) =
            ProgressStyle::with_template("{bar:40} {human_pos}/{human_len} lines, {per_sec}, {msg} ({eta} left)")
        {
            bar.set_style(style);
        }
        Self {
            bar,
            total,
            started: Instant::now(),
            said: Instant::now(),
        }
    }

    fn set(&mut self, lines: u64, summary: &Summary) {
        self.bar.set_position(lines);
        self.bar.set_message(format!("{} invoices", count(summary.invoices())));
        if self.bar.is_hidden() && self.said.elapsed() >= PROGRESS_EVERY {
            self.said = Instant::now();
            let per_second = u128::from(lines) * 1_000 / self.started.elapsed().as_millis().max(1);
            eprintln!(
                "import: {} of {} lines, {} invoices, {per_second} lines/s",
                count(lines),
                count(self.total),
                count(summary.invoices())
            );
        }
    }
}
