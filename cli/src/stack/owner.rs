//! The user that the servers run as.
//!
//! Postgres and Elasticsearch refuse to run as root, and no other part needs to. Called by root, the stack runs as the
//! system user `onhand`; called by anybody else, as the caller.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, chown};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use nix::unistd::{Uid, User};

const USER: &str = "onhand";

/// Who the servers run as.
#[derive(Debug, Clone)]
pub(crate) struct Owner {
    /// User and group number to change to; none when the caller's own are right.
    ids: Option<(u32, u32)>,
}

impl Owner {
    /// Finds the user, and makes it when root calls for the first time.
    pub(crate) fn find() -> Result<Self> {
        if !Uid::effective().is_root() {
            return Ok(Self { ids: None });
        }
        if let Some(user) = User::from_name(USER)? {
            return Ok(Self {
                ids: Some((user.uid.as_raw(), user.gid.as_raw())),
            });
        }
        let made = Command::new("useradd")
            .args([
                "--system",
                "--user-group",
                "--no-create-home",
                "--home-dir",
                "/nonexistent",
            ])
            .args(["--shell", "/usr/sbin/nologin", USER])
            .status()
            .context("useradd could not be run")?;
        match User::from_name(USER)? {
            Some(user) => Ok(Self {
                ids: Some((user.uid.as_raw(), user.gid.as_raw())),
            }),
            None => bail!("the system user {USER} could not be made: useradd ended with {made}"),
        }
    }

    /// A command that runs as this user, in the caller's session.
    pub(crate) fn command(&self, program: &Path) -> Command {
        match self.ids {
            None => Command::new(program),
            Some((uid, gid)) => {
                let mut command = Command::new("setpriv");
                command
                    .arg(format!("--reuid={uid}"))
                    .arg(format!("--regid={gid}"))
                    .args(["--clear-groups", "--no-new-privs", "--"])
                    .arg(program);
                command
            }
        }
    }

    /// A command that runs as this user in a session of its own, so that it outlives the terminal and gets no ctrl-c.
    pub(crate) fn daemon(&self, program: &Path) -> Command {
        let inner = self.command(program);
        let mut command = Command::new("setsid");
        command.arg(inner.get_program()).args(inner.get_args());
        command
    }

    /// Makes a folder (and what leads to it) that the servers can write.
    pub(crate) fn make_dir(&self, path: &Path, mode: u32) -> Result<()> {
        let text = || format!("folder {} could not be made", path.display());
        fs::create_dir_all(path).with_context(text)?;
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).with_context(text)?;
        self.take(path)
    }

    /// Writes a file for the servers to read; the old one stays until the new one is whole.
    pub(crate) fn write(&self, path: &Path, content: &str, mode: u32) -> Result<()> {
        let temporary = path.with_extension("new");
        let text = || format!("{} could not be written", path.display());
        let _ = fs::remove_file(&temporary);
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&temporary)
            .with_context(text)?;
        file.write_all(content.as_bytes()).with_context(text)?;
        self.take(&temporary)?;
        fs::rename(&temporary, path).with_context(text)
    }

    /// Whether the servers can reach the folder: every folder on the way must let them through.
    pub(crate) fn reaches(&self, path: &Path) -> bool {
        self.command(Path::new("test"))
            .arg("-x")
            .arg(path)
            .status()
            .is_ok_and(|status| status.success())
    }

    fn take(&self, path: &Path) -> Result<()> {
        if let Some((uid, gid)) = self.ids {
            chown(path, Some(uid), Some(gid))
                .with_context(|| format!("{} could not be given to {USER}", path.display()))?;
        }
        Ok(())
    }
}
