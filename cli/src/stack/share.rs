//! Which parts stand back while the machine has more to do than it has processors for.
//!
//! What a write waits for, and what brings it to Redis, goes first; what many records together cost less for waits and then takes them
//! together. A part that has a machine to itself does not notice.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::Duration;

use super::part::Part;
use super::procfs::Identity;

/// Of the scheduler, 0 (the share of everybody else) to 19 (nearly none); at 4 it is two fifths.
const STANDING_BACK: u8 = 4;
/// Linux takes ten changes of this kind a second from all users together.
const AGAIN: Duration = Duration::from_millis(120);
const ATTEMPTS: u32 = 10;

/// Gives a part that stands back its smaller share, unless it has it. It is no more than a courtesy to the others, so a machine that does
/// not allow it is no failure.
pub(super) fn settle(part: Part, identity: Identity) {
    if !part.stands_back {
        return;
    }
    // Each part is a session of its own, and Linux shares between sessions before it looks at what is in them.
    let session = PathBuf::from(format!("/proc/{}/autogroup", identity.pid));
    if is_settled(&session) {
        return;
    }
    for _ in 0..ATTEMPTS {
        match fs::write(&session, STANDING_BACK.to_string()) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => sleep(AGAIN),
            Err(error) => {
                tracing::debug!(part = part.name, %error, "sessions have no share here");
                break;
            }
            Ok(()) => break,
        }
    }
    // Where it does not, processes count.
    let renice = Command::new("renice")
        .args(["-n", &STANDING_BACK.to_string(), "-g", &identity.pid.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !renice.as_ref().is_ok_and(ExitStatus::success) {
        tracing::debug!(part = part.name, ?renice, "the share of the processor could not be set");
    }
}

/// The file says `/autogroup-<number> nice <value>`.
fn is_settled(session: &Path) -> bool {
    fs::read_to_string(session).is_ok_and(|text| text.trim_end().ends_with(&format!(" nice {STANDING_BACK}")))
}
