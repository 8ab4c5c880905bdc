//! What a part of the stack is: how it is prepared, started, asked whether it is ready, and stopped.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use futures_util::future::BoxFuture;
use nix::sys::signal::Signal;

use super::Stack;

/// One long-running program of the stack. The list of all is [`super::parts::all`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    /// Name in commands, logs and tables.
    pub(crate) name: &'static str,
    /// Nodes (parts or steps) that must be ready before this one starts.
    pub(crate) needs: &'static [&'static str],
    /// Ports that it listens on; the first is the one to show.
    pub(crate) ports: fn(&Stack) -> Vec<u16>,
    /// Writes configuration and makes the data folder. Must be repeatable.
    pub(crate) prepare: fn(&Stack) -> Result<()>,
    /// The command.
    pub(crate) launch: fn(&Stack) -> Result<Launch>,
    /// Asks the part itself; an error says what is missing.
    pub(crate) probe: fn(Arc<Stack>) -> BoxFuture<'static, Result<()>>,
    /// How long it may take until the probe succeeds.
    pub(crate) start_deadline: Duration,
    /// The signal for an orderly end.
    pub(crate) stop_signal: Signal,
    /// How long an orderly end may take.
    pub(crate) stop_deadline: Duration,
    /// Parts of a lower wave stop first.
    pub(crate) stop_wave: u8,
    /// Whether others go first while the machine is full: see [`super::share`].
    pub(crate) stands_back: bool,
}

/// A command to run as the service user, with nothing of the caller's environment.
#[derive(Debug)]
pub(crate) struct Launch {
    /// Program file.
    pub(crate) program: PathBuf,
    /// Arguments.
    pub(crate) args: Vec<OsString>,
    /// Environment beside the few settings that all parts get.
    pub(crate) env: BTreeMap<String, OsString>,
}

impl Launch {
    /// A command without arguments.
    pub(crate) fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            env: BTreeMap::new(),
        }
    }

    /// Adds an argument.
    pub(crate) fn arg(mut self, value: impl Into<OsString>) -> Self {
        self.args.push(value.into());
        self
    }

    /// Adds arguments.
    pub(crate) fn args<T: Into<OsString>>(mut self, values: impl IntoIterator<Item = T>) -> Self {
        self.args.extend(values.into_iter().map(Into::into));
        self
    }

    /// Sets an environment variable.
    pub(crate) fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.env.insert(name.to_owned(), value.into());
        self
    }
}
