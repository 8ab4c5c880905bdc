//! Databases for tests: a template that has been migrated once, and a copy of it for whoever asks.

use anyhow::{Context, Result, bail};
use onhand_db::{DatabaseConfig, Pool, migrate};
use secrecy::SecretString;
use std::fmt::Write as _;
use tokio_postgres::config::Host;
use tokio_postgres::{Client, Config, NoTls};

/// Connection string of a superuser; `tests/run.sh` sets it.
pub const URL_VARIABLE: &str = "ONHAND_TEST_DATABASE_URL";

/// Name of a database that is migrated already and is copied in place of a template made anew; for quick trials.
pub const TEMPLATE_VARIABLE: &str = "ONHAND_TEST_TEMPLATE";

/// pgTAP, and what the SQL tests share.
const SUPPORT: &str = include_str!("../sql/support/support.sql");

/// A Postgres server with a migrated template database.
#[derive(Debug)]
pub struct Server {
    config: Config,
    template: String,
    /// Whether the template was made here, and is to be dropped at the end.
    made: bool,
}

/// A database of one test.
#[derive(Debug)]
pub struct Database {
    config: Config,
    name: String,
}

impl Server {
    /// Connects and makes the template.
    ///
    /// # Errors
    /// Says what is missing: the variable, the server, pgTAP, or a migration that does not apply.
    pub async fn start() -> Result<Self> {
        let Some(url) = std::env::var(URL_VARIABLE).ok().filter(|url| !url.is_empty()) else {
            bail!("{URL_VARIABLE} is not set: run ./onhand test, which starts a Postgres and sets it");
        };
        let config: Config = url
            .parse()
            .with_context(|| format!("{URL_VARIABLE} is no connection string"))?;
        if let Some(template) = std::env::var(TEMPLATE_VARIABLE).ok().filter(|name| !name.is_empty()) {
            let made = false;
            return Ok(Self { config, template, made });
        }
        let template = format!("onhand_template_{}", std::process::id());
        let made = true;
        let server = Self { config, template, made };
        server.execute(&format!("create database {}", server.template)).await?;
        if let Err(error) = server.fill_template().await {
            server.stop().await?;
            return Err(error);
        }
        Ok(server)
    }

    async fn fill_template(&self) -> Result<()> {
        let template = self.named(&self.template);
        let options = migrate::MigrateOptions {
            app_password: self.password_for_login().await?,
            ..migrate::MigrateOptions::default()
        };
        migrate::run(&template.settings(), &options)
            .await
            .context("the template was not migrated")?;
        let client = template.client().await?;
        client.batch_execute("create extension pgtap").await.context(
            "pgTAP is not installed in this Postgres: copy the files pgtap* of the package postgresql-15-pgtap into its extension folder",
        )?;
        client
            .batch_execute(SUPPORT)
            .await
            .context("tests/sql/support/support.sql failed")?;
        let invariants = format!(
            "create function test.broken_rules() returns table (rule text, key text, found text) language sql as $query$ {} $query$",
            crate::invariants::QUERY
        );
        client
            .batch_execute(&invariants)
            .await
            .context("the rules in tests/sql/support failed")?;
        Ok(())
    }

    /// What the login of the application may do and how long it may take is tested too. One that is there already, as that of a whole stack, is left alone;
    /// a new one gets a password that nobody knows.
    async fn password_for_login(&self) -> Result<Option<SecretString>> {
        let there = connect(&self.config)
            .await?
            .query_opt("select from pg_roles where rolname = $1", &[&migrate::APP_LOGIN])
            .await?;
        Ok(there
            .is_none()
            .then(|| SecretString::from(uuid::Uuid::new_v4().to_string())))
    }

    fn named(&self, name: &str) -> Database {
        let mut config = self.config.clone();
        config.dbname(name).application_name("onhand-tests");
        Database {
            config,
            name: name.to_owned(),
        }
    }

    /// A fresh database with the whole schema and no data.
    ///
    /// # Errors
    /// See the message.
    pub async fn database(&self, name: &str) -> Result<Database> {
        let name = format!("onhand_test_{}_{name}", std::process::id());
        // Copying the template fails while another session is connected to it; a server process may linger for a moment.
        self.execute(&format!("create database {name} template {}", self.template))
            .await?;
        Ok(self.named(&name))
    }

    /// Drops a database; sessions that are still in it are ended.
    ///
    /// # Errors
    /// See the message.
    pub async fn remove(&self, database: Database) -> Result<()> {
        self.execute(&format!("drop database {} with (force)", database.name))
            .await
    }

    /// Drops the template.
    ///
    /// # Errors
    /// See the message.
    pub async fn stop(&self) -> Result<()> {
        if !self.made {
            return Ok(());
        }
        self.execute(&format!("drop database if exists {} with (force)", self.template))
            .await
    }

    async fn execute(&self, sql: &str) -> Result<()> {
        let client = connect(&self.config).await?;
        client.batch_execute(sql).await.with_context(|| sql.to_owned())
    }
}

impl Database {
    /// A session of the superuser.
    ///
    /// # Errors
    /// If the server refuses.
    pub async fn client(&self) -> Result<Client> {
        connect(&self.config).await
    }

    /// A session with the rights of the api and nothing more.
    ///
    /// # Errors
    /// If the server refuses.
    pub async fn api_client(&self) -> Result<Client> {
        let mut config = self.config.clone();
        config.options("-c role=onhand_api");
        connect(&config).await
    }

    /// Settings with which the product's own code connects, with the rights of the superuser.
    #[must_use]
    pub fn settings(&self) -> DatabaseConfig {
        DatabaseConfig {
            url: SecretString::from(self.url("")),
            ..DatabaseConfig::default()
        }
    }

    /// A pool of sessions with the rights of the api and nothing more.
    ///
    /// # Errors
    /// If the settings are wrong.
    pub fn pool(&self, size: usize) -> Result<Pool> {
        let config = DatabaseConfig {
            url: SecretString::from(self.url("-c role=onhand_api")),
            pool_size: size,
            connect_timeout_ms: 60_000,
        };
        Pool::new(&config).map_err(anyhow::Error::msg)
    }

    /// A connection string in keywords and values.
    fn url(&self, options: &str) -> String {
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
        word("user", self.config.get_user().unwrap_or("postgres"));
        if let Some(password) = self.config.get_password() {
            word("password", &String::from_utf8_lossy(password));
        }
        word("dbname", &self.name);
        if !options.is_empty() {
            word("options", options);
        }
        words
    }
}

async fn connect(config: &Config) -> Result<Client> {
    let (client, connection) = config.connect(NoTls).await.context("Postgres cannot be reached")?;
    // Ends when the client is dropped; what goes wrong on the way is reported by the call that meets it.
    tokio::spawn(connection);
    Ok(client)
}
