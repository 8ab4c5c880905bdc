//! Checks before anything is started, so that a lack is named at once and not by a server's stack trace.

use std::path::Path;

use anyhow::{Context, Result, bail};
use nix::sys::statvfs::statvfs;

use super::layout::Layout;
use super::procfs::{self, Listener};

const GIB: u64 = 1024 * 1024 * 1024;
/// Parts take 0.6 GiB, an empty stack about the same; the rest is room for data before the servers refuse writes.
const FREE_NEEDED: u64 = 3 * GIB;

/// Refuses to start on a nearly full disk.
pub(crate) fn disk(layout: &Layout) -> Result<()> {
    for folder in [&layout.state, &layout.parts] {
        let free = free_bytes(folder)?;
        if free < FREE_NEEDED {
            bail!(
                "disk nearly full: {} has {:.1} GiB free, the stack needs at least {} GiB; \
                 free some, or set ONHAND_STATE and ONHAND_PARTS to a roomier disk",
                folder.display(),
                gib(free),
                FREE_NEEDED / GIB
            );
        }
    }
    Ok(())
}

fn free_bytes(folder: &Path) -> Result<u64> {
    let existing = folder.ancestors().find(|path| path.exists()).unwrap_or(folder);
    let stat = statvfs(existing).with_context(|| format!("free space of {} could not be read", existing.display()))?;
    Ok(stat.blocks_available().saturating_mul(stat.fragment_size()))
}

fn gib(bytes: u64) -> f64 {
    // Tenths are exact enough for a message, and small enough for the conversion to be exact.
    u32::try_from(bytes / (GIB / 10)).map_or(f64::MAX, |tenths| f64::from(tenths) / 10.0)
}

/// Refuses to start a part whose port somebody else has.
pub(crate) fn port_free(part: &str, port: u16) -> Result<()> {
    let who = match procfs::listener(port) {
        Listener::None => return Ok(()),
        Listener::Process(pid) => format!("process {pid} ({})", procfs::command(pid)),
        Listener::Unknown => "a process of another user".to_owned(),
    };
    bail!("port {port}, which {part} needs, is taken by {who}; end it, or choose other ports with ONHAND_PORT_PREFIX")
}
