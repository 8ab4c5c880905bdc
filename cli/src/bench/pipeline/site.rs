//! The stack that is measured, and what this run calls its own there: everything under names that begin with one word, so that
//! nothing of the user is touched and nothing is left behind, not even by a run that was killed.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::fcntl::{Flock, FlockArg};
use onhand_consumers::{ElasticsearchConfig, RedisConfig};
use secrecy::ExposeSecret;
use serde_json::Value;

use super::kafka;
use crate::settings::{Settings, SettingsFile};

/// What every topic, group, key and index of any run begins with.
pub(super) const FAMILY: &str = "onhand-bench-";
/// Longest wait for one answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
/// Keys in one call of `SCAN`, and so in one `UNLINK`.
const KEYS: usize = 1_000;

/// The stack, and this run in it.
pub(super) struct Site {
    /// Where everything is.
    pub(super) settings: Settings,
    /// File that these settings came from, for programs that are started.
    pub(super) config: Option<PathBuf>,
    /// Requests to metrics and Elasticsearch.
    pub(super) http: reqwest::Client,
    /// Files of this run; removed at the end.
    pub(super) work: PathBuf,
    /// Files that the next run can use again.
    pub(super) kept: PathBuf,
    name: String,
    places: AtomicU32,
    _only: Flock<File>,
}

/// A consumer group and read models of its own.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// The group.
    pub(super) group: String,
    /// Redis under its own keys.
    pub(super) redis: RedisConfig,
    /// Elasticsearch under its own indexes.
    pub(super) elasticsearch: ElasticsearchConfig,
}

impl Site {
    /// The local stack, or the one that the settings name. Removes what a run that was killed has left.
    pub(super) async fn open(file: &SettingsFile) -> Result<Self> {
        let settings = file.load_near()?;
        let kept = crate::stack::local_state()?.join("bench");
        fs::create_dir_all(&kept).with_context(|| format!("{} cannot be made", kept.display()))?;
        let only = File::create(kept.join("lock"))?;
        let Ok(only) = Flock::lock(only, FlockArg::LockExclusiveNonblock) else {
            bail!("another `onhand bench pipeline` runs on this stack");
        };
        let work = kept.join("run");
        let site = Self {
            settings,
            config: file.path().map(Path::to_path_buf),
            http: reqwest::Client::builder().timeout(PATIENCE).no_proxy().build()?,
            work,
            kept,
            name: format!("{FAMILY}{}", std::process::id()),
            places: AtomicU32::new(0),
            _only: only,
        };
        site.clear()
            .await
            .context("the stack is not all there; `onhand up` starts what is missing")?;
        fs::create_dir_all(&site.work)?;
        Ok(site)
    }

    /// What comes before the table in the names of topics of this run.
    pub(super) fn topic_prefix(&self, what: &str) -> String {
        format!("{}.{what}", self.name)
    }

    /// A group and read models that nobody has used yet.
    pub(super) fn place(&self) -> Place {
        let name = format!("{}-{}", self.name, self.places.fetch_add(1, Ordering::Relaxed));
        Place {
            redis: RedisConfig {
                key_prefix: format!("{name}:"),
                ..self.settings.redis.clone()
            },
            elasticsearch: ElasticsearchConfig {
                index_prefix: format!("{name}-"),
                ..self.settings.elasticsearch.clone()
            },
            group: name,
        }
    }

    /// A connection to Redis for this thread alone.
    pub(super) fn redis(&self) -> Result<redis::Connection> {
        let client = redis::Client::open(self.settings.redis.url.expose_secret())?;
        let connection = client
            .get_connection_with_timeout(PATIENCE)
            .context("Redis does not answer")?;
        connection.set_read_timeout(Some(PATIENCE))?;
        Ok(connection)
    }

    /// Empties the read models of a place; it can then be used again.
    pub(super) async fn empty(&self, place: &Place) -> Result<()> {
        self.remove_keys(&place.redis.key_prefix)?;
        self.remove_indexes(&place.elasticsearch.index_prefix).await
    }

    /// Removes everything that any run has made, but for what is kept on purpose.
    pub(super) async fn clear(&self) -> Result<()> {
        kafka::remove(&self.settings.kafka, FAMILY).await?;
        self.remove_keys(FAMILY)?;
        self.remove_indexes(FAMILY).await?;
        if self.work.exists() {
            fs::remove_dir_all(&self.work)?;
        }
        Ok(())
    }

    fn remove_keys(&self, prefix: &str) -> Result<()> {
        let mut connection = self.redis()?;
        let mut cursor = 0_u64;
        loop {
            let (next, keys): (u64, Vec<String>) = redis::cmd("SCAN")
                .arg(cursor)
                .arg("MATCH")
                .arg(format!("{prefix}*"))
                .arg("COUNT")
                .arg(KEYS)
                .query(&mut connection)?;
            if !keys.is_empty() {
                let _removed: u64 = redis::cmd("UNLINK").arg(keys).query(&mut connection)?;
            }
            if next == 0 {
                return Ok(());
            }
            cursor = next;
        }
    }

    /// One by one: a cluster may refuse patterns in a delete.
    async fn remove_indexes(&self, prefix: &str) -> Result<()> {
        let base = self.settings.elasticsearch.url.trim_end_matches('/');
        let found: Value = self
            .http
            .get(format!("{base}/{prefix}*/_alias"))
            .send()
            .await
            .context("Elasticsearch does not answer")?
            .json()
            .await?;
        let names = found.as_object().into_iter().flatten().map(|(name, _)| name);
        for name in names.filter(|name| name.starts_with(prefix)) {
            self.http
                .delete(format!("{base}/{name}"))
                .send()
                .await?
                .error_for_status()
                .with_context(|| format!("index {name} was not removed"))?;
        }
        Ok(())
    }
}
