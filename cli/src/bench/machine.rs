//! The machine that a benchmark runs on, and how busy it is.

use std::fs;
use std::num::NonZero;

/// Processors that this program may use; 0 = unknown.
pub(super) fn cores() -> usize {
    std::thread::available_parallelism().map_or(0, NonZero::get)
}

/// Load averages of 1, 5 and 15 minutes; none where the system does not say.
pub(super) fn load() -> Option<[f64; 3]> {
    parse(&fs::read_to_string("/proc/loadavg").ok()?)
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
}
