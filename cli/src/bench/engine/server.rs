//! The server that is measured, and the databases of one run in it: made by the run, dropped at its end, whatever the end.

use std::fmt::Write as _;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use onhand_db::DatabaseConfig;
use onhand_db::migrate::{self, MigrateOptions};
use secrecy::SecretString;
use tokio_postgres::config::Host;
use tokio_postgres::{Client, Config, NoTls};
use uuid::Uuid;

/// What a server has to wait for before it calls a transaction committed.
const DURABLE: [&str; 3] = ["fsync", "synchronous_commit", "full_page_writes"];
/// A slot whose reader falls behind is lost when the log has outgrown it: this much has to be left.
const SLOT_ROOM: i64 = 1 << 30;
/// How long the reader of a slot may take to make room.
const SLOT_PATIENCE: Duration = Duration::from_secs(60);

/// A Postgres server, and this run's mark on it.
#[derive(Debug)]
pub(super) struct Server {
    config: Config,
    /// Name of the first database, and beginning of the names of the others.
    prefix: String,
    /// Whether that name is this run's own.
    claimed: AtomicBool,
}

/// A database of this run.
#[derive(Debug)]
pub(super) struct Database {
    config: Config,
    name: String,
}

impl Server {
    /// The server at this address, or that of the local stack.
    pub(super) async fn open(url: Option<&str>) -> Result<Self> {
        let mut config = match url {
            Some(url) => Config::from_str(url).context("--database-url is no connection string")?,
            None => local().await?,
        };
        // A name that no other program has, so that this run's sessions can be told from all others.
        config
            .application_name(format!("onhand-bench-{}", Uuid::new_v4().simple()))
            .connect_timeout(Duration::from_secs(10));
        Ok(Self {
            config,
            prefix: format!("onhand_bench_{}", std::process::id()),
            claimed: AtomicBool::new(false),
        })
    }

    /// Its version. Fails if it may lose what it has confirmed, because then no figure is worth anything.
    pub(super) async fn check(&self) -> Result<String> {
        let client = self.session().await?;
        for name in DURABLE {
            let value: String = client
                .query_one("select current_setting($1)", &[&name])
                .await?
                .try_get(0)?;
            if value != "on" {
                bail!("{name} is {value} on this server: only durable commits are measured");
            }
        }
        let superuser: bool = client
            .query_one("select rolsuper from pg_roles where rolname = current_user", &[])
            .await?
            .try_get(0)?;
        if !superuser {
            bail!("the benchmark makes a database and fills its tables: it needs a superuser");
        }
        Ok(client
            .query_one("select current_setting('server_version')", &[])
            .await?
            .try_get(0)?)
    }

    /// The first database of this run, with the whole schema. No slot: nothing of it is captured.
    pub(super) async fn claim(&self) -> Result<Database> {
        let client = self.session().await?;
        let taken = client
            .query_opt("select from pg_database where datname = $1", &[&self.prefix])
            .await?;
        if taken.is_some() {
            bail!(
                "there is a database {} that another run left; drop it first",
                self.prefix
            );
        }
        self.claimed.store(true, Ordering::Relaxed);
        client
            .batch_execute(&format!("create database {}", self.prefix))
            .await?;
        let database = self.named(self.prefix.clone());
        let settings = DatabaseConfig {
            url: SecretString::from(database.url()),
            connect_timeout_ms: 10_000,
            ..DatabaseConfig::default()
        };
        migrate::run(&settings, &MigrateOptions::default())
            .await
            .context("the database of the benchmark was not migrated")?;
        Ok(database)
    }

    /// A copy of a database that nobody is connected to.
    pub(super) async fn copy(&self, of: &Database, suffix: &str) -> Result<Database> {
        let name = format!("{}_{suffix}", self.prefix);
        self.session()
            .await?
            .batch_execute(&format!("create database {name} template {}", of.name))
            .await?;
        Ok(self.named(name))
    }

    /// Drops a database before the end of the run.
    pub(super) async fn remove(&self, database: Database) -> Result<()> {
        self.session()
            .await?
            .batch_execute(&format!("drop database if exists {} with (force)", database.name))
            .await?;
        Ok(())
    }

    /// Ends all sessions of this run and drops all its databases, also one that is being made just now.
    pub(super) async fn clear(&self) -> Result<()> {
        let client = self.session().await?;
        client
            .execute(
                "select pg_terminate_backend(pid, 10000) from pg_stat_activity \
                 where application_name = current_setting('application_name') and pid <> pg_backend_pid()",
                &[],
            )
            .await?;
        if !self.claimed.load(Ordering::Relaxed) {
            return Ok(());
        }
        let ours = client
            .query(
                "select datname::text from pg_database where datname = $1 or starts_with(datname::text, $1 || '_')",
                &[&self.prefix],
            )
            .await?;
        for row in ours {
            let name: String = row.try_get(0)?;
            client
                .batch_execute(&format!("drop database if exists {name} with (force)"))
                .await?;
        }
        Ok(())
    }

    /// Writes back what earlier work has left, so that it does not burden what is measured next.
    pub(super) async fn checkpoint(&self) -> Result<()> {
        self.session().await?.batch_execute("checkpoint").await?;
        Ok(())
    }

    /// Waits until no replication slot is about to be lost by what the benchmark writes; fails if its reader stands still.
    pub(super) async fn spare_slots(&self) -> Result<()> {
        let client = self.session().await?;
        let since = Instant::now();
        loop {
            let endangered = client
                .query_opt(
                    "select slot_name::text, database::text, safe_wal_size / 1048576 from pg_replication_slots \
                     where safe_wal_size < $1 and wal_status <> 'lost' order by safe_wal_size limit 1",
                    &[&SLOT_ROOM],
                )
                .await?;
            let Some(row) = endangered else { return Ok(()) };
            if since.elapsed() > SLOT_PATIENCE {
                let (slot, database, room): (String, Option<String>, i64) =
                    (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
                bail!(
                    "the replication slot {slot} of database {} would be lost after {room} MB more of log; \
                     start its reader, or measure on another server",
                    database.as_deref().unwrap_or("?"),
                );
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    async fn session(&self) -> Result<Client> {
        connect(&self.config).await
    }

    fn named(&self, name: String) -> Database {
        let mut config = self.config.clone();
        config.dbname(&name);
        Database { config, name }
    }
}

impl Database {
    /// A session of the superuser.
    pub(super) async fn session(&self) -> Result<Client> {
        connect(&self.config).await
    }

    /// A session with the rights of the api.
    pub(super) async fn api_session(&self) -> Result<Client> {
        let mut config = self.config.clone();
        let options = [config.get_options().unwrap_or_default(), "-c role=onhand_api"].join(" ");
        config.options(options.trim_start());
        connect(&config).await
    }

    /// A connection string in keywords and values.
    fn url(&self) -> String {
        let mut words = String::new();
        let mut word = |name: &str, value: &str| {
            let quoted = value.replace('\\', r"\\").replace('\'', r"\'");
            // Writing to a string cannot fail.
            let _ = write!(words, "{name}='{quoted}' ");
        };
        for host in self.config.get_hosts() {
            match host {
                Host::Tcp(name) => word("host", name),
                Host::Unix(path) => word("host", &path.display().to_string()),
            }
        }
        for port in self.config.get_ports() {
            word("port", &port.to_string());
        }
        if let Some(user) = self.config.get_user() {
            word("user", user);
        }
        if let Some(password) = self.config.get_password() {
            word("password", &String::from_utf8_lossy(password));
        }
        if let Some(options) = self.config.get_options() {
            word("options", options);
        }
        if let Some(name) = self.config.get_application_name() {
            word("application_name", name);
        }
        word("dbname", &self.name);
        words
    }
}

async fn connect(config: &Config) -> Result<Client> {
    let (client, connection) = config
        .connect(NoTls)
        .await
        .context("Postgres cannot be reached; `onhand up postgres` starts that of the local stack")?;
    // Ends when the client is dropped; what goes wrong on the way is reported by the call that meets it.
    tokio::spawn(connection);
    Ok(client)
}

/// The superuser of the local stack, as `onhand env` gives it to every program.
async fn local() -> Result<Config> {
    let output = tokio::process::Command::new(std::env::current_exe()?)
        .arg("env")
        .output()
        .await?;
    if !output.status.success() {
        bail!(
            "{}; or name a server of your own with --database-url",
            String::from_utf8_lossy(&output.stderr)
                .trim()
                .trim_start_matches("error: ")
        );
    }
    parse_env(&String::from_utf8_lossy(&output.stdout))
}

/// libpq's variables among the lines for a shell.
fn parse_env(lines: &str) -> Result<Config> {
    let value = |name: &str| {
        lines
            .lines()
            .find_map(|line| line.strip_prefix("export ")?.strip_prefix(name)?.strip_prefix('='))
            .map(|quoted| quoted.trim_matches('\'').to_owned())
            .with_context(|| format!("`onhand env` does not say {name}"))
    };
    let mut config = Config::new();
    config
        .host(value("PGHOST")?)
        .port(value("PGPORT")?.parse()?)
        .user(value("PGUSER")?)
        .password(value("PGPASSWORD")?)
        // There before the product's own is, which only the whole stack makes.
        .dbname("postgres");
    Ok(config)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_address_of_the_local_stack_is_what_env_prints() {
        let lines = "export PGHOST='127.0.0.1'\nexport PGPORT='17432'\nexport PGUSER='postgres'\nexport PGPASSWORD='secret'\n\
                     export ONHAND_STATE='/tmp/x'\n";
        let config = parse_env(lines).unwrap();
        assert_eq!(config.get_hosts(), [Host::Tcp("127.0.0.1".into())]);
        assert_eq!(
            (config.get_ports(), config.get_user(), config.get_dbname()),
            (&[17432][..], Some("postgres"), Some("postgres"))
        );
        assert!(parse_env("export PGHOST='127.0.0.1'\n").is_err());
    }

    #[test]
    fn a_password_with_a_quote_survives() {
        let server = Server {
            config: Config::from_str(r"host=h port=1 user=u password='it\'s \\ so'").unwrap(),
            prefix: "onhand_bench_1".into(),
            claimed: AtomicBool::new(false),
        };
        let read = Config::from_str(&server.named("onhand_bench_1_small".into()).url()).unwrap();
        assert_eq!(read.get_password(), Some(r"it's \ so".as_bytes()));
        assert_eq!(read.get_dbname(), Some("onhand_bench_1_small"));
    }
}
