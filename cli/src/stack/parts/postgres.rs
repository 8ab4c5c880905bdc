//! Postgres 18.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures_util::FutureExt;
use nix::sys::signal::Signal;
use secrecy::{ExposeSecret, SecretString};

use crate::stack::part::{Launch, Part};
use crate::stack::{Stack, probe, procfs};

const NAME: &str = "postgres";
/// The database of the product.
pub(crate) const DATABASE: &str = "onhand";
/// A longer path does not fit into a Unix socket's address (107 bytes, with the file name).
const SOCKET_FOLDER_LIMIT: usize = 85;

pub(super) const PART: Part = Part {
    name: NAME,
    needs: &[],
    ports: |stack| vec![stack.ports().postgres()],
    prepare,
    launch,
    probe: |stack| {
        async move { probe::sql(&login(&stack, "postgres", &stack.secrets.postgres, "postgres")).await }.boxed()
    },
    // Crash recovery of a few GB of WAL takes its time.
    start_deadline: Duration::from_secs(180),
    // Fast shutdown: open sessions are ended, what is committed is written.
    stop_signal: Signal::SIGINT,
    stop_deadline: Duration::from_secs(60),
    stop_wave: 2,
    stands_back: false,
};

/// How the launcher logs in.
pub(crate) fn login(stack: &Stack, user: &str, password: &SecretString, database: &str) -> tokio_postgres::Config {
    let mut config = tokio_postgres::Config::new();
    config
        .host("127.0.0.1")
        .port(stack.ports().postgres())
        .user(user)
        .password(password.expose_secret())
        .dbname(database)
        .application_name("onhand")
        .connect_timeout(Duration::from_secs(3));
    config
}

fn prepare(stack: &Stack) -> Result<()> {
    let data = stack.layout.data(NAME);
    if !data.join("PG_VERSION").exists() {
        initialize(stack)?;
    }
    remove_stale_locks(stack)?;
    let etc = stack.layout.etc();
    stack
        .owner
        .write(&etc.join("postgresql.conf"), &settings(stack), 0o644)?;
    stack.owner.write(&etc.join("pg_hba.conf"), HBA, 0o644)
}

/// Everybody gives a password, also over the Unix socket.
const HBA: &str = "\
local all all scram-sha-256
host all all 127.0.0.1/32 scram-sha-256
host replication all 127.0.0.1/32 scram-sha-256
";

/// Makes the cluster beside its place and renames it when whole, so that an interrupted start leaves no half of one.
fn initialize(stack: &Stack) -> Result<()> {
    let data = stack.layout.data(NAME);
    let new = data.with_extension("new");
    for folder in [&new, &data] {
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
    }
    stack.owner.make_dir(&new, 0o700)?;
    let password_file = stack.layout.run().join("postgres.password");
    stack
        .owner
        .write(&password_file, stack.secrets.postgres.expose_secret(), 0o600)?;
    let output = stack
        .owner
        .command(&stack.set().join("postgres/bin/initdb"))
        .arg("--pgdata")
        .arg(&new)
        .arg("--pwfile")
        .arg(&password_file)
        .args(["--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8"])
        // Code point order is the same on every machine and needs no rebuild of indexes after an upgrade of a library.
        .args(["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"])
        .args(["--data-checksums", "--no-instructions"])
        .env("TZ", "UTC")
        .output();
    let _ = fs::remove_file(&password_file);
    let output = output.context("initdb could not be run")?;
    if !output.status.success() {
        bail!("initdb failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    fs::rename(&new, &data).context("the new database folder could not be moved to its place")
}

/// A killed postmaster leaves its lock files. If its number now belongs to another program of the same user, or to a
/// zombie that nobody has collected yet, Postgres would take it for a living postmaster and refuse to start.
fn remove_stale_locks(stack: &Stack) -> Result<()> {
    let data = stack.layout.data(NAME);
    let socket = format!(".s.PGSQL.{}.lock", stack.ports().postgres());
    for lock in [data.join("postmaster.pid"), stack.layout.run().join(socket)] {
        let Ok(text) = fs::read_to_string(&lock) else { continue };
        let holder: Option<i32> = text.lines().next().and_then(|pid| pid.trim().parse().ok());
        let lives = holder.is_some_and(|pid| procfs::cwd(pid).is_some_and(|cwd| cwd == data));
        if !lives {
            fs::remove_file(&lock).with_context(|| format!("{} could not be removed", lock.display()))?;
        }
    }
    Ok(())
}

fn settings(stack: &Stack) -> String {
    let run = stack.layout.run();
    let socket = if run.as_os_str().len() <= SOCKET_FOLDER_LIMIT {
        run.display().to_string()
    } else {
        String::new()
    };
    format!(
        "\
# Written by `onhand up` at each start; lasting changes of your own: alter system.
hba_file = '{etc}/pg_hba.conf'
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{socket}'
password_encryption = scram-sha-256
max_connections = 200

# durable
fsync = on
full_page_writes = on
synchronous_commit = on

# change data capture
wal_level = logical
max_wal_senders = 10
max_replication_slots = 10
track_commit_timestamp = on
# A slot that nobody reads must not fill the disk.
max_slot_wal_keep_size = 4GB
sync_replication_slots = off

# room for one machine that does everything
shared_buffers = 512MB
work_mem = 16MB
maintenance_work_mem = 128MB
max_wal_size = 4GB
min_wal_size = 512MB
checkpoint_timeout = 15min
random_page_cost = 1.1
# Monthly partitions are many relations for one dump or drop.
max_locks_per_transaction = 256
jit = off

log_line_prefix = '%m [%p] %q%u@%d '
log_timezone = UTC
timezone = UTC
log_lock_waits = on
log_checkpoints = on
",
        etc = stack.layout.etc().display(),
        port = stack.ports().postgres(),
    )
}

fn launch(stack: &Stack) -> Result<Launch> {
    Ok(Launch::new(stack.set().join("postgres/bin/postgres"))
        .arg("-D")
        .arg(stack.layout.data(NAME))
        .arg(format!(
            "--config-file={}",
            stack.layout.etc().join("postgresql.conf").display()
        )))
}
