//! Starting a part, or finding that it already runs, until its probe succeeds.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};

use super::part::Part;
use super::procfs::Identity;
use super::progress::{Progress, Task};
use super::{Stack, logs, preflight, process, share};

const POLL: Duration = Duration::from_millis(100);
/// Backends of a killed postmaster notice its death by themselves; anything slower is ended.
const ORPHAN_GRACE: Duration = Duration::from_secs(5);
/// A longer log is set aside at the next start.
const LOG_LIMIT: u64 = 20 * 1024 * 1024;
/// Begins the line that separates the runs in a log.
const STARTED: &str = "--- onhand: started";
/// Lines of the log to show when a part dies.
const TAIL: usize = 15;

/// Brings the part to the state "ready"; does nothing to a part that is.
pub(crate) async fn ensure(part: Part, stack: Arc<Stack>, progress: Progress) -> Result<()> {
    // What ends already may still answer its probe: it counts as left over, which a start waits for.
    let running = process::recorded(&stack.layout, part.name).filter(|identity| !identity.ending());
    if running.is_some() && (part.probe)(Arc::clone(&stack)).await.is_ok() {
        progress.note(&format!("  {:14} already running", part.name));
        if let Some(identity) = running {
            settle(part, identity).await?;
        }
        return Ok(());
    }
    let task = progress.start(part.name, "starting");
    let result = match running {
        Some(identity) => match wait_ready(part, &stack, identity, None).await {
            Ok(()) => Ok(()),
            Err(_) => restart(part, &stack, &task).await,
        },
        None => start(part, &stack, &task).await,
    };
    match result {
        Ok(()) => task.done("ready"),
        Err(_) => task.failed(),
    }
    result
}

async fn start(part: Part, stack: &Arc<Stack>, task: &Task) -> Result<()> {
    clear_leftovers(part, stack, task).await?;
    for port in (part.ports)(stack) {
        preflight::port_free(part.name, port)?;
    }
    let (child, identity) = {
        let stack = Arc::clone(stack);
        tokio::task::spawn_blocking(move || -> Result<(Child, Identity)> {
            (part.prepare)(&stack).with_context(|| format!("{} could not be prepared", part.name))?;
            spawn(part, &stack)
        })
        .await??
    };
    wait_ready(part, stack, identity, Some(child)).await
}

/// A part that ran already and does not get ready is stuck, or has just died: a new process is what is left to try.
async fn restart(part: Part, stack: &Arc<Stack>, task: &Task) -> Result<()> {
    task.update("ran but did not get ready; starting it anew");
    process::stop(&stack.layout, part.name, part.stop_signal, part.stop_deadline).await?;
    start(part, stack, task).await
}

/// Processes that an earlier, killed run of the part left behind would hold its port, its files or its shared memory.
async fn clear_leftovers(part: Part, stack: &Stack, task: &Task) -> Result<()> {
    if process::gone_within(&stack.layout, part.name, Duration::ZERO).await {
        return Ok(());
    }
    task.update("waiting for left-over processes to end");
    if !process::gone_within(&stack.layout, part.name, ORPHAN_GRACE).await {
        process::stop(&stack.layout, part.name, part.stop_signal, part.stop_deadline).await?;
    }
    Ok(())
}

fn spawn(part: Part, stack: &Stack) -> Result<(Child, Identity)> {
    let launch = (part.launch)(stack)?;
    let data = stack.layout.data(part.name);
    let log = open_log(&stack.layout.log(part.name))?;
    let child = stack
        .owner
        .daemon(&launch.program)
        .args(&launch.args)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
        .env("LANG", "C.UTF-8")
        .env("TZ", "UTC")
        .env("HOME", &data)
        .env(process::MARKER, process::mark(&stack.layout, part.name))
        .envs(&launch.env)
        .current_dir(&data)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .with_context(|| format!("{} could not be started", part.name))?;
    let identity = i32::try_from(child.id())
        .ok()
        .and_then(Identity::of)
        .ok_or_else(|| died(part, stack, "at once"))?;
    process::record(&stack.layout, part.name, identity)?;
    Ok((child, identity))
}

fn open_log(path: &Path) -> Result<File> {
    if fs::metadata(path).is_ok_and(|metadata| metadata.len() > LOG_LIMIT) {
        fs::rename(path, path.with_extension("log.1"))?;
    }
    let text = || format!("{} could not be opened", path.display());
    let mut log = OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .with_context(text)?;
    writeln!(log, "{STARTED} at {}", jiff::Timestamp::now()).with_context(text)?;
    Ok(log)
}

async fn wait_ready(part: Part, stack: &Arc<Stack>, identity: Identity, mut child: Option<Child>) -> Result<()> {
    let until = Instant::now() + part.start_deadline;
    loop {
        // Asking the child reaps it, so that a dead one is not taken for a living one.
        let ended = child.as_mut().and_then(|child| child.try_wait().ok().flatten());
        if ended.is_some() || !identity.alive() {
            process::forget(&stack.layout, part.name);
            let how = ended.map_or_else(|| "while it was starting".to_owned(), |how| format!("({how})"));
            return Err(died(part, stack, &how));
        }
        match (part.probe)(Arc::clone(stack)).await {
            // Not before: until now somebody waited for it.
            Ok(()) => return settle(part, identity).await,
            Err(error) if Instant::now() >= until => {
                bail!(
                    "{} runs (pid {}) but is not ready after {} s: {error:#}\n{}",
                    part.name,
                    identity.pid,
                    part.start_deadline.as_secs(),
                    log_tail(part, stack)
                );
            }
            Err(_) => tokio::time::sleep(POLL).await,
        }
    }
}

async fn settle(part: Part, identity: Identity) -> Result<()> {
    Ok(tokio::task::spawn_blocking(move || share::settle(part, identity)).await?)
}

fn died(part: Part, stack: &Stack, how: &str) -> anyhow::Error {
    anyhow!("{} ended {how}\n{}", part.name, log_tail(part, stack))
}

fn log_tail(part: Part, stack: &Stack) -> String {
    let path = stack.layout.log(part.name);
    let lines = logs::tail(&path, TAIL).unwrap_or_default();
    let this_run = lines
        .rsplit(|line| line.starts_with(STARTED))
        .next()
        .unwrap_or_default();
    format!("last lines of {}:\n{}", path.display(), this_run.join("\n"))
}
