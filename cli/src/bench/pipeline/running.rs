//! A process under test: one of the product's consumers, or a peer. It is started with a group and read models of its own,
//! watched from outside, and ended.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use onhand_consumers::SinkKind;
use secrecy::ExposeSecret;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::flow::{self, Flow, Mark};
use super::process;
use super::site::{Place, Site};

/// Between two looks at how far it is.
const LOOK: Duration = Duration::from_millis(20);
/// Beyond this a process that was asked to end is ended.
const STOP_PATIENCE: Duration = Duration::from_secs(20);
/// Slower than this for all of a backlog and it stands still.
const SLOWEST_PER_SECOND: u32 = 300;
/// For starting and joining the group.
const START_PATIENCE: Duration = Duration::from_secs(120);
const TAIL_LINES: usize = 12;

/// A process under test.
pub(super) struct Running {
    name: String,
    child: Child,
    pid: u32,
    log: PathBuf,
    progress: Progress,
    start: Mark,
}

/// How it tells what it has settled.
enum Progress {
    /// In its metrics.
    Metrics {
        http: reqwest::Client,
        base: String,
        topic: String,
    },
    /// On its standard output, one number in a line.
    Lines(Arc<AtomicU64>),
}

/// How long a process may take for so many records, its start included.
pub(super) fn patience(records: u32) -> Duration {
    START_PATIENCE + Duration::from_secs(1) * (records / SLOWEST_PER_SECOND)
}

impl Running {
    /// One of the product's consumers, on topics of the benchmark.
    pub(super) fn consumer(site: &Site, kind: SinkKind, prefix: &str, place: &Place) -> Result<Self> {
        // Nobody else takes the port in the moment until the consumer does, or the consumer says so and ends.
        let listen = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["consume", kind.name()]);
        if let Some(file) = &site.config {
            command.arg("--config").arg(file);
        }
        let settings = &site.settings;
        command
            .env("ONHAND_DATABASE__URL", settings.database.url.expose_secret())
            .env("ONHAND_KAFKA__BROKERS", &settings.kafka.brokers)
            .env("ONHAND_REGISTRY__URL", &settings.registry.url)
            .env("ONHAND_REDIS__URL", settings.redis.url.expose_secret())
            .env("ONHAND_REDIS__KEY_PREFIX", &place.redis.key_prefix)
            .env("ONHAND_ELASTICSEARCH__URL", &settings.elasticsearch.url)
            .env("ONHAND_ELASTICSEARCH__INDEX_PREFIX", &place.elasticsearch.index_prefix)
            .env("ONHAND_RUNTIME__TOPIC_PREFIX", prefix)
            .env("ONHAND_RUNTIME__GROUP_ID", &place.group)
            .env("ONHAND_RUNTIME__METRICS_LISTEN", listen.to_string())
            .env_remove("ONHAND_RUNTIME__GROUP_INSTANCE_ID")
            .env_remove("ONHAND_RUNTIME__CLIENT_ID")
            .env("ONHAND_LOG", "text");
        let log = site.work.join(format!("{}.log", place.group));
        let out = File::create(&log)?;
        command.stderr(out.try_clone()?).stdout(out);
        let progress = Progress::Metrics {
            http: site.http.clone(),
            base: format!("http://{listen}"),
            topic: format!("{prefix}.stock_level"),
        };
        Self::start(kind.name(), command, log, |_| Ok(progress))
    }

    /// A peer that prints how many records it has settled, again and again.
    pub(super) fn peer(site: &Site, name: &str, mut command: Command, place: &Place) -> Result<Self> {
        let log = site.work.join(format!("{}.log", place.group));
        command.stderr(File::create(&log)?).stdout(Stdio::piped());
        Self::start(name, command, log, |child| {
            let lines = child.stdout.take().context("a process without output")?;
            let settled = Arc::new(AtomicU64::new(0));
            let seen = Arc::clone(&settled);
            tokio::spawn(async move {
                let mut lines = BufReader::new(lines).lines();
                while let Ok(Some(line)) = lines.next_line().await {
                    if let Ok(count) = line.trim().parse() {
                        seen.store(count, Ordering::Relaxed);
                    }
                }
            });
            Ok(Progress::Lines(settled))
        })
    }

    fn start(
        name: &str,
        mut command: Command,
        log: PathBuf,
        progress: impl FnOnce(&mut Child) -> Result<Progress>,
    ) -> Result<Self> {
        let at = Instant::now();
        let mut child = command
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{name} was not started"))?;
        Ok(Self {
            pid: child.id().context("a process without a number")?,
            progress: progress(&mut child)?,
            name: name.to_owned(),
            child,
            log,
            start: Mark {
                at,
                settled: 0,
                cpu: Duration::ZERO,
            },
        })
    }

    /// Number of the process.
    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits until a consumer says that it does its work.
    pub(super) async fn ready(&mut self) -> Result<()> {
        let Progress::Metrics { http, base, .. } = &self.progress else {
            return Ok(());
        };
        let (http, url) = (http.clone(), format!("{base}/ready"));
        let deadline = Instant::now() + START_PATIENCE;
        loop {
            if http
                .get(&url)
                .send()
                .await
                .is_ok_and(|answer| answer.status().is_success())
            {
                return Ok(());
            }
            self.alive()?;
            if Instant::now() >= deadline {
                bail!(
                    "{} is not ready after {} s\n{}",
                    self.name,
                    START_PATIENCE.as_secs(),
                    self.tail()
                );
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Watches it until it has settled so many records.
    pub(super) async fn drain(&mut self, records: u32) -> Result<Flow> {
        let patience = patience(records);
        let (mut first, mut peak) = (None, 0.0);
        loop {
            let settled = self.settled().await;
            if let Some(memory) = process::memory(self.pid) {
                peak = memory.peak;
            }
            if let Some(cpu) = process::cpu(self.pid).filter(|_| settled > 0) {
                let at = Instant::now();
                let mark = Mark { at, settled, cpu };
                let first = *first.get_or_insert(mark);
                if settled >= u64::from(records) {
                    return Ok(Flow::new(self.start, first, mark, peak));
                }
            }
            self.alive()?;
            if self.start.at.elapsed() > patience {
                let seconds = patience.as_secs();
                bail!(
                    "{} settled {settled} of {records} records in {seconds} s\n{}",
                    self.name,
                    self.tail()
                );
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// None yet, if it does not answer.
    async fn settled(&self) -> u64 {
        match &self.progress {
            Progress::Lines(settled) => settled.load(Ordering::Relaxed),
            Progress::Metrics { http, base, topic } => {
                let Ok(answer) = http.get(format!("{base}/metrics")).send().await else {
                    return 0;
                };
                answer.text().await.map_or(0, |text| flow::settled(&text, topic))
            }
        }
    }

    /// Asks it to end and waits.
    pub(super) async fn stop(mut self) -> Result<()> {
        if self.child.try_wait()?.is_none() {
            // Still the child that was started: nobody else waits for it.
            let _gone = kill(Pid::from_raw(i32::try_from(self.pid)?), Signal::SIGTERM);
        }
        if tokio::time::timeout(STOP_PATIENCE, self.child.wait()).await.is_err() {
            self.child.kill().await?;
        }
        Ok(())
    }

    fn alive(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("{} has ended ({status})\n{}", self.name, self.tail()),
        }
    }

    /// The end of its log.
    fn tail(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let skipped = lines.len().saturating_sub(TAIL_LINES);
        lines.into_iter().skip(skipped).collect::<Vec<_>>().join("\n")
    }
}
