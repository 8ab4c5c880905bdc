//! What a person sees while parts start: a spinner per task on a terminal, one plain line per event elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

const TICK: Duration = Duration::from_millis(120);

/// The shared display.
#[derive(Debug, Clone)]
pub(crate) struct Progress {
    bars: Option<MultiProgress>,
}

impl Progress {
    /// Spinners if standard error is a terminal.
    pub(crate) fn new() -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self {
            bars: terminal.then(MultiProgress::new),
        }
    }

    /// A line of its own.
    pub(crate) fn note(&self, text: &str) {
        match &self.bars {
            // Printing through the display keeps the spinners below the line.
            Some(bars) => {
                let _ = bars.println(text);
            }
            None => eprintln!("{text}"),
        }
    }

    /// Shows a task as going on until it is done or failed.
    pub(crate) fn start(&self, name: &str, text: &str) -> Task {
        let bar = self.bars.as_ref().map(|bars| {
            let bar = bars.add(ProgressBar::new_spinner());
            if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix:14} {msg} ({elapsed})") {
                bar.set_style(style);
            }
            bar.set_prefix(name.to_owned());
            bar.set_message(text.to_owned());
            bar.enable_steady_tick(TICK);
            bar
        });
        if bar.is_none() {
            eprintln!("{name}: {text}");
        }
        Task {
            display: self.clone(),
            bar,
            name: name.to_owned(),
            since: Instant::now(),
        }
    }
}

/// One thing that is going on.
#[derive(Debug)]
pub(crate) struct Task {
    display: Progress,
    bar: Option<ProgressBar>,
    name: String,
    since: Instant,
}

impl Task {
    /// Says what the task is at now.
    pub(crate) fn update(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.set_message(text.to_owned()),
            None => eprintln!("{}: {text}", self.name),
        }
    }

    /// Ends with a line that stays.
    pub(crate) fn done(self, text: &str) {
        let seconds = self.since.elapsed().as_secs_f32();
        self.close(&format!("{text} ({seconds:.1} s)"));
    }

    /// Ends with a failure; the error itself is reported once, by the caller's caller.
    pub(crate) fn failed(self) {
        self.close("FAILED");
    }

    fn close(self, text: &str) {
        match self.bar {
            Some(bar) => {
                bar.finish_and_clear();
                self.display.note(&format!("  {:14} {text}", self.name));
            }
            None => eprintln!("{}: {text}", self.name),
        }
    }
}
