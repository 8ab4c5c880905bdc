//! The machine that a benchmark runs on, and how busy it is.

use std::fs;
use std::num::NonZero;

/// Processors that this program may use; 0 = unknown.
pub(super) fn cores() -> usize {
    std::thread::available_parallelism().map_or(0, NonZero::get)
}

/// How this program was built.
pub(super) const fn build() -> &'static str {
    if cfg!(debug_assertions) { "debug" } else { "release" }
}

/// Load averages of 1, 5 and 15 minutes; none where the system does not say.
pub(super) fn load() -> Option<[f64; 3]> {
    parse(&fs::read_to_string("/proc/loadavg").ok()?)
}

/// Whether others keep so many processors busy that what one client reaches is not what it could.
pub(super) fn is_busy(load: Option<[f64; 3]>, cores: usize) -> bool {
    let cores = f64::from(u32::try_from(cores).unwrap_or(u32::MAX));
    load.is_some_and(|[one, ..]| one > cores / 2.0)
}

fn parse(text: &str) -> Option<[f64; 3]> {
    let mut words = text.split_whitespace().map(|word| word.parse().ok());
    Some([words.next()??, words.next()??, words.next()??])
}

/// Load averages as `uptime` shows them.
pub(super) fn shown(load: Option<[f64; 3]>) -> String {
    load.map_or_else(
        || "unknown".to_owned(),
        |[one, five, fifteen]| format!("{one:.2} {five:.2} {fifteen:.2}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_three_words_are_the_averages() {
        assert_eq!(parse("0.20 0.18 12.00 1/80 11206\n"), Some([0.20, 0.18, 12.0]));
        assert_eq!(parse("0.20 x 0.12"), None);
        assert_eq!(parse(""), None);
    }

    #[test]
    fn half_of_the_processors_in_use_is_busy() {
        assert!(is_busy(Some([1.1, 0.0, 0.0]), 2));
        assert!(!is_busy(Some([1.0, 9.0, 9.0]), 2));
        assert!(!is_busy(None, 2));
    }
}
