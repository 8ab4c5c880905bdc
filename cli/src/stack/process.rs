//! Processes of a part: pid files that survive a reused number, finding what an interrupted start left, ending it all.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::layout::Layout;
use super::procfs::{self, Identity};

/// Environment variable that marks every process of a stack: `<state folder>:<part>`.
pub(crate) const MARKER: &str = "ONHAND_PART";

const POLL: Duration = Duration::from_millis(50);
/// After SIGKILL only a process in uninterruptible sleep is still there.
const KILL_GRACE: Duration = Duration::from_secs(5);

/// The value of [`MARKER`] for a part.
pub(crate) fn mark(layout: &Layout, part: &str) -> String {
    format!("{}:{part}", layout.state.display())
}

/// Writes the pid file.
pub(crate) fn record(layout: &Layout, part: &str, identity: Identity) -> Result<()> {
    let path = layout.pid_file(part);
    let temporary = path.with_extension("new");
    fs::write(&temporary, format!("{} {}\n", identity.pid, identity.started))
        .and_then(|()| fs::rename(&temporary, &path))
        .with_context(|| format!("{} could not be written", path.display()))
}

/// The recorded process, if it is the one that was recorded and still runs.
pub(crate) fn recorded(layout: &Layout, part: &str) -> Option<Identity> {
    let text = fs::read_to_string(layout.pid_file(part)).ok()?;
    parse_record(&text).filter(|identity| identity.alive())
}

fn parse_record(text: &str) -> Option<Identity> {
    let mut fields = text.split_ascii_whitespace();
    let pid = fields.next()?.parse().ok()?;
    let started = fields.next()?.parse().ok()?;
    Some(Identity { pid, started })
}

/// Forgets the recorded process.
pub(crate) fn forget(layout: &Layout, part: &str) {
    let _ = fs::remove_file(layout.pid_file(part));
}

/// Every process of the part, recorded or not: what carries the marker, and the children of Postgres, which overwrite
/// their environment with their title but keep the data folder as working folder.
pub(crate) fn all(layout: &Layout, part: &str) -> Vec<Identity> {
    let setting = format!("{MARKER}={}", mark(layout, part));
    let data = layout.data(part);
    let main = recorded(layout, part);
    procfs::pids()
        .into_iter()
        .filter(|pid| {
            main.is_some_and(|main| main.pid == *pid)
                || procfs::has_variable(*pid, &setting)
                || runs_in(*pid, &layout.parts, &data)
        })
        .filter_map(Identity::of)
        .collect()
}

fn runs_in(pid: i32, programs: &Path, data: &PathBuf) -> bool {
    procfs::cwd(pid).is_some_and(|cwd| cwd == *data) && procfs::exe(pid).is_some_and(|exe| exe.starts_with(programs))
}

/// Memory of all processes of the part.
pub(crate) fn resident(processes: &[Identity]) -> u64 {
    processes.iter().map(|identity| procfs::resident(identity.pid)).sum()
}

/// Asks the process to end, with its own signal; waits; ends by force whatever is left of the part.
///
/// Answers whether force was needed.
pub(crate) async fn stop(layout: &Layout, part: &str, signal: Signal, deadline: Duration) -> Result<bool> {
    match recorded(layout, part) {
        Some(main) => send(main, signal)?,
        // Without a recorded main process the rest has nobody who could end it in order.
        None => send_all(layout, part, signal)?,
    }
    let forced = if gone_within(layout, part, deadline).await {
        false
    } else {
        send_all(layout, part, Signal::SIGKILL)?;
        if !gone_within(layout, part, KILL_GRACE).await {
            bail!("{part} does not end, not even by SIGKILL");
        }
        true
    };
    forget(layout, part);
    Ok(forced)
}

/// Kills the recorded process of a part of the local stack, as a crash would.
pub(crate) fn kill_part(part: &str) -> Result<()> {
    let layout = Layout::from_env()?;
    match recorded(&layout, part) {
        Some(main) => send(main, Signal::SIGKILL),
        None => bail!(
            "{part} does not run in {}; `onhand up` starts it",
            layout.state.display()
        ),
    }
}

/// Process number of a part of the local stack; none if it does not run.
pub(crate) fn part_pid(part: &str) -> Result<Option<u32>> {
    let main = recorded(&Layout::from_env()?, part);
    Ok(main.and_then(|main| u32::try_from(main.pid).ok()))
}

/// Waits until no process of the part is left.
pub(crate) async fn gone_within(layout: &Layout, part: &str, deadline: Duration) -> bool {
    let until = Instant::now() + deadline;
    loop {
        if all(layout, part).is_empty() {
            return true;
        }
        if Instant::now() >= until {
            return false;
        }
        tokio::time::sleep(POLL).await;
    }
}

fn send_all(layout: &Layout, part: &str, signal: Signal) -> Result<()> {
    all(layout, part)
        .into_iter()
        .try_for_each(|identity| send(identity, signal))
}

fn send(identity: Identity, signal: Signal) -> Result<()> {
    if !identity.alive() {
        return Ok(());
    }
    match kill(Pid::from_raw(identity.pid), signal) {
        Ok(()) | Err(Errno::ESRCH) => Ok(()),
        Err(error) => Err(error).with_context(|| format!("process {} could not be sent {signal}", identity.pid)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::stack::layout::Ports;

    fn layout() -> Layout {
        let state = std::env::temp_dir().join(format!("onhand-process-{}", std::process::id()));
        fs::create_dir_all(state.join("run")).unwrap();
        Layout {
            parts: state.join("parts"),
            state,
            ports: Ports::new(17).unwrap(),
        }
    }

    #[test]
    fn a_reused_number_is_not_our_process() {
        let layout = layout();
        let own = Identity::of(i32::try_from(std::process::id()).unwrap()).unwrap();
        record(&layout, "ours", own).unwrap();
        record(
            &layout,
            "reused",
            Identity {
                started: own.started + 1,
                ..own
            },
        )
        .unwrap();
        let found = (recorded(&layout, "ours"), recorded(&layout, "reused"));
        fs::remove_dir_all(&layout.state).unwrap();
        assert_eq!(found, (Some(own), None));
    }

    #[test]
    fn a_damaged_pid_file_names_nobody() {
        for text in ["", "12", "x y", "12 y"] {
            assert_eq!(parse_record(text), None, "{text:?}");
        }
    }
}
