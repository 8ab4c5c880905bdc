//! Reads what pgTAP prints: a plan, and one line for each test with its diagnostics below.

/// What one file of tests said.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// How many tests were announced.
    pub planned: Option<usize>,
    /// How many tests ran.
    pub ran: usize,
    /// Failed tests, each with its diagnostics.
    pub failures: Vec<String>,
}

impl Report {
    /// Reads the lines in the order in which they were printed.
    pub fn read<'a>(lines: impl IntoIterator<Item = &'a str>) -> Self {
        let mut report = Self::default();
        let mut last_failed = false;
        for line in lines.into_iter().flat_map(str::lines) {
            if let Some(count) = line.strip_prefix("1..") {
                report.planned = count.trim().parse().ok();
            } else if line.starts_with("not ok ") {
                // A test marked TODO may fail.
                last_failed = !line.contains("# TODO");
                report.ran += 1;
                if last_failed {
                    report.failures.push(line.to_owned());
                }
            } else if line.starts_with("ok ") {
                last_failed = false;
                report.ran += 1;
            } else if line.starts_with('#')
                && last_failed
                && let Some(failure) = report.failures.last_mut()
            {
                failure.push('\n');
                failure.push_str(line);
            }
        }
        report
    }

    /// What is wrong with it; nothing if every planned test ran and passed.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        if !self.failures.is_empty() {
            return Some(self.failures.join("\n"));
        }
        match self.planned {
            None => Some("the file has no plan".to_owned()),
            Some(0) => Some("the file plans no test".to_owned()),
            Some(planned) if planned != self.ran => Some(format!("{planned} tests were planned, {} ran", self.ran)),
            Some(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_run_has_no_problem() {
        assert_eq!(Report::read(["1..2", "ok 1 - a", "ok 2"]).problem(), None);
    }

    #[test]
    fn a_failure_comes_with_its_diagnostics() {
        let report = Report::read([
            "1..2",
            "not ok 1 - a\n# Failed test 1: \"a\"\n#   have: 1",
            "ok 2",
            "# noise",
        ]);
        assert_eq!(
            report.problem().as_deref(),
            Some("not ok 1 - a\n# Failed test 1: \"a\"\n#   have: 1")
        );
    }

    #[test]
    fn what_did_not_run_is_a_problem() {
        assert!(Report::read(["1..3", "ok 1"]).problem().is_some());
        assert!(Report::read(["ok 1"]).problem().is_some());
        assert!(Report::read(["1..0"]).problem().is_some());
        assert!(Report::read([]).problem().is_some());
    }
}
