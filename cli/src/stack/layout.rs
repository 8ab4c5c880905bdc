//! Where one stack keeps its files and which ports it uses.
//!
//! Two stacks live side by side when they differ in `ONHAND_STATE` and `ONHAND_PORT_PREFIX`; the pinned parts
//! (`ONHAND_PARTS`) are shared, since nothing writes there after the fetch.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// Lowest and highest prefix: below is the range of system services, above are the ports that Linux hands out itself.
const PREFIXES: std::ops::RangeInclusive<u16> = 10..=32;
const DEFAULT_PREFIX: u16 = 17;

/// The ports of one stack: `prefix * 1000` plus a fixed offset per service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ports {
    prefix: u16,
}

impl Ports {
    /// Checks the prefix.
    pub(crate) fn new(prefix: u16) -> Result<Self> {
        if !PREFIXES.contains(&prefix) {
            bail!(
                "ONHAND_PORT_PREFIX must be {} to {}, not {prefix}",
                PREFIXES.start(),
                PREFIXES.end()
            );
        }
        Ok(Self { prefix })
    }

    fn from_env() -> Result<Self> {
        match env::var("ONHAND_PORT_PREFIX") {
            Ok(text) if !text.is_empty() => Self::new(
                text.parse()
                    .with_context(|| format!("ONHAND_PORT_PREFIX must be a number, not {text:?}"))?,
            ),
            _ => Self::new(DEFAULT_PREFIX),
        }
    }

    fn at(self, offset: u16) -> u16 {
        self.prefix.saturating_mul(1000).saturating_add(offset)
    }

    pub(crate) fn prefix(self) -> u16 {
        self.prefix
    }

    pub(crate) fn postgres(self) -> u16 {
        self.at(432)
    }

    pub(crate) fn redis(self) -> u16 {
        self.at(379)
    }

    pub(crate) fn kafka(self) -> u16 {
        self.at(92)
    }

    pub(crate) fn kafka_controller(self) -> u16 {
        self.at(93)
    }

    pub(crate) fn registry(self) -> u16 {
        self.at(81)
    }

    pub(crate) fn connect(self) -> u16 {
        self.at(83)
    }

    pub(crate) fn elasticsearch(self) -> u16 {
        self.at(200)
    }

    pub(crate) fn elasticsearch_transport(self) -> u16 {
        self.at(300)
    }

    pub(crate) fn api(self) -> u16 {
        self.at(80)
    }

    pub(crate) fn api_metrics(self) -> u16 {
        self.at(90)
    }

    pub(crate) fn cache_metrics(self) -> u16 {
        self.at(94)
    }

    pub(crate) fn search_metrics(self) -> u16 {
        self.at(95)
    }

    pub(crate) fn publish_metrics(self) -> u16 {
        self.at(98)
    }

    pub(crate) fn ingest_metrics(self) -> u16 {
        self.at(99)
    }

    pub(crate) fn alerts_metrics(self) -> u16 {
        self.at(97)
    }

    pub(crate) fn verify_metrics(self) -> u16 {
        self.at(96)
    }

    pub(crate) fn prometheus(self) -> u16 {
        self.at(190)
    }

    pub(crate) fn alertmanager(self) -> u16 {
        self.at(193)
    }
}

/// The folders of one stack.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    /// Everything that one stack writes.
    pub(crate) state: PathBuf,
    /// Downloaded parts, read-only after the fetch.
    pub(crate) parts: PathBuf,
    /// The ports of this stack.
    pub(crate) ports: Ports,
}

impl Layout {
    /// Reads `ONHAND_STATE`, `ONHAND_PARTS` and `ONHAND_PORT_PREFIX`; the script `onhand` sets the first two.
    pub(crate) fn from_env() -> Result<Self> {
        Ok(Self {
            state: folder("ONHAND_STATE", ".onhand/state")?,
            parts: folder("ONHAND_PARTS", ".onhand/parts")?,
            ports: Ports::from_env()?,
        })
    }

    pub(crate) fn data(&self, part: &str) -> PathBuf {
        self.state.join("data").join(part)
    }

    pub(crate) fn etc(&self) -> PathBuf {
        self.state.join("etc")
    }

    pub(crate) fn run(&self) -> PathBuf {
        self.state.join("run")
    }

    /// Not the machine's own: what another program did to that one must not matter here.
    pub(crate) fn tmp(&self) -> PathBuf {
        self.state.join("tmp")
    }

    pub(crate) fn bin(&self) -> PathBuf {
        self.state.join("bin")
    }

    pub(crate) fn log_dir(&self) -> PathBuf {
        self.state.join("log")
    }

    pub(crate) fn log(&self, part: &str) -> PathBuf {
        self.log_dir().join(format!("{part}.log"))
    }

    pub(crate) fn pid_file(&self, part: &str) -> PathBuf {
        self.run().join(format!("{part}.pid"))
    }

    pub(crate) fn lock(&self) -> PathBuf {
        self.state.join("lock")
    }

    pub(crate) fn secrets(&self) -> PathBuf {
        self.state.join("secrets.env")
    }
}

/// An absolute path without symbolic links as far as it exists, so that processes can be told by their working folder.
fn folder(variable: &str, default: &str) -> Result<PathBuf> {
    let path = env::var_os(variable)
        .filter(|value| !value.is_empty())
        .map_or_else(|| PathBuf::from(default), PathBuf::from);
    let path = std::path::absolute(&path).with_context(|| format!("{variable}: {} is no path", path.display()))?;
    Ok(resolve(&path))
}

/// Resolves the part of the path that exists and keeps the rest as it is.
fn resolve(path: &Path) -> PathBuf {
    match (path.canonicalize(), path.parent(), path.file_name()) {
        (Ok(real), _, _) => real,
        (Err(_), Some(parent), Some(name)) => resolve(parent).join(name),
        _ => path.to_path_buf(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn ports_follow_the_prefix() {
        let ports = Ports::new(27).unwrap();
        assert_eq!(ports.postgres(), 27432);
        assert_eq!(ports.api(), 27080);
        assert_eq!(ports.search_metrics(), 27095);
    }

    #[test]
    fn a_prefix_outside_the_range_is_refused() {
        for prefix in [0, 9, 33, 65, u16::MAX] {
            assert!(Ports::new(prefix).is_err(), "{prefix}");
        }
    }

    #[test]
    fn the_missing_tail_of_a_path_is_kept() {
        assert_eq!(
            resolve(Path::new("/proc/no-such/folder")),
            PathBuf::from("/proc/no-such/folder")
        );
    }
}
