//! `onhand doctor`: looks at every hop of a write's way and says what to do about what is wrong.

mod capture;
mod database;
mod kafka;
mod locks;
mod stores;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use futures_util::future::join_all;

use super::layout::Layout;
use super::{Stack, parts, preflight, process};

/// A check that hangs says as much as one that fails.
const TIMEOUT: Duration = Duration::from_secs(20);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Ok,
    Warn,
    Fail,
}

impl Level {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "FAIL",
        }
    }
}

/// What one check found.
#[derive(Debug)]
struct Finding {
    level: Level,
    what: &'static str,
    detail: String,
    /// What to do; empty if nothing.
    fix: String,
}

impl Finding {
    fn ok(what: &'static str, detail: impl Into<String>) -> Self {
        Self {
            level: Level::Ok,
            what,
            detail: detail.into(),
            fix: String::new(),
        }
    }

    fn warn(what: &'static str, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            level: Level::Warn,
            what,
            detail: detail.into(),
            fix: fix.into(),
        }
    }

    fn fail(what: &'static str, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            level: Level::Fail,
            what,
            detail: detail.into(),
            fix: fix.into(),
        }
    }

    /// The first bound that the value exceeds decides.
    fn by_bounds(what: &'static str, detail: String, value: f64, bounds: (f64, f64), fix: &str) -> Self {
        if value > bounds.1 {
            Self::fail(what, detail, fix)
        } else if value > bounds.0 {
            Self::warn(what, detail, fix)
        } else {
            Self::ok(what, detail)
        }
    }
}

/// Prints every finding; an error if one is a failure.
pub(crate) async fn doctor() -> Result<()> {
    let layout = Layout::from_env()?;
    if !layout.state.is_dir() {
        bail!(
            "there is no stack at {} yet; start it with `onhand up`",
            layout.state.display()
        );
    }
    let stack = Arc::new(Stack::open(layout)?);
    let mut findings = machine(&stack);
    let (database, capture, kafka, stores) = tokio::join!(
        bounded("postgres", database::check(&stack)),
        bounded("connector", capture::check(&stack)),
        bounded("kafka", kafka::check(&stack)),
        bounded("read models", stores::check(&stack)),
    );
    findings.extend([database, capture, kafka, stores].into_iter().flatten());
    for finding in &findings {
        println!("{:5} {:16} {}", finding.level.word(), finding.what, finding.detail);
        if !finding.fix.is_empty() {
            println!("{:22} -> {}", "", finding.fix);
        }
    }
    let failed = findings.iter().filter(|finding| finding.level == Level::Fail).count();
    if failed > 0 {
        bail!("{failed} of {} checks failed", findings.len());
    }
    Ok(())
}

/// A check group that cannot be carried out is a finding too.
async fn bounded(what: &'static str, check: impl Future<Output = Result<Vec<Finding>>>) -> Vec<Finding> {
    const FIX: &str = "`onhand up` starts what is missing; `onhand status` and `onhand logs <part>` say more";
    match tokio::time::timeout(TIMEOUT, check).await {
        Ok(Ok(findings)) => findings,
        Ok(Err(error)) => vec![Finding::fail(what, format!("{error:#}"), FIX)],
        Err(_) => vec![Finding::fail(
            what,
            format!("no answer within {} s", TIMEOUT.as_secs()),
            FIX,
        )],
    }
}

fn machine(stack: &Stack) -> Vec<Finding> {
    let disk = match preflight::disk(&stack.layout) {
        Ok(()) => Finding::ok("disk", "enough room"),
        Err(error) => Finding::fail("disk", format!("{error:#}"), ""),
    };
    let stopped: Vec<_> = parts::wanted(&stack.layout)
        .iter()
        .filter(|part| process::recorded(&stack.layout, part.name).is_none())
        .map(|part| part.name)
        .collect();
    let processes = if stopped.is_empty() {
        Finding::ok("processes", "all parts run")
    } else {
        Finding::fail("processes", format!("stopped: {}", stopped.join(", ")), "onhand up")
    };
    vec![disk, processes]
}

/// Runs several checks of one group side by side.
async fn together(checks: Vec<impl Future<Output = Result<Finding>>>) -> Result<Vec<Finding>> {
    join_all(checks).await.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_decide_the_level() {
        let level = |value| Finding::by_bounds("x", String::new(), value, (10.0, 60.0), "f").level;
        assert_eq!(level(1.0), Level::Ok);
        assert_eq!(level(11.0), Level::Warn);
        assert_eq!(level(61.0), Level::Fail);
    }
}
