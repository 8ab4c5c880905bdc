//! What a person sees while something goes on: a bar on a terminal, a line at the end elsewhere.

use std::io::IsTerminal;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A step of the demonstration.
pub(super) struct Step {
    bar: ProgressBar,
    name: String,
    total: usize,
    since: Instant,
}

impl Step {
    /// Begins a step of so many things.
    pub(super) fn new(name: &str, total: usize) -> Self {
        let length = u64::try_from(total).ok();
        let bar = if std::io::stderr().is_terminal() {
            ProgressBar::new(length.unwrap_or(0))
        } else {
            ProgressBar::with_draw_target(length, ProgressDrawTarget::hidden())
        };
        if let Ok(style) = ProgressStyle::with_template("  {prefix:16} {bar:40} {human_pos}/{human_len} ({elapsed})") {
            bar.set_style(style);
        }
        bar.set_prefix(name.to_owned());
        Self {
            bar,
            name: name.to_owned(),
            total,
            since: Instant::now(),
        }
    }

    /// So many are done.
    pub(super) fn set(&self, done: usize) {
        self.bar.set_position(u64::try_from(done).unwrap_or(0));
    }

    /// So many more are done.
    pub(super) fn add(&self, more: usize) {
        self.bar.inc(u64::try_from(more).unwrap_or(0));
    }

    /// Ends with a line that stays.
    pub(super) fn done(self) {
        self.bar.finish_and_clear();
        println!(
            "  {:16} {} ({:.1} s)",
            self.name,
            self.total,
            self.since.elapsed().as_secs_f32()
        );
    }
}
