//! Capture that begins anew: slot, offsets, snapshot, and what the snapshot cannot say.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use onhand_cdc::backlog::Backlog;
use onhand_cdc::connect::Connector;
use onhand_cdc::notification::{Begin, Kind, Notifications, Stage};
use onhand_consumers::SinkKind;
use onhand_consumers::sweep::{self, Swept};
use onhand_db::{Pool, ensure_replication_slot};
use tokio::task::block_in_place;

use crate::settings::Settings;

/// How long one wait for a notification takes, and a look at the consumers.
const STEP: Duration = Duration::from_secs(1);
/// A snapshot of some million rows; the consumers take what is in it meanwhile.
const SNAPSHOT_PATIENCE: Duration = Duration::from_secs(3_600);

/// The connector, the database and the read models of one system.
pub(crate) struct Capture<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) connector: Connector,
    pub(crate) pool: Pool,
}

impl<'a> Capture<'a> {
    pub(crate) fn new(settings: &'a Settings, connector: &str) -> Result<Self> {
        Ok(Self {
            settings,
            connector: Connector::new(&settings.connect, connector)?,
            pool: Pool::new(&settings.database).map_err(anyhow::Error::msg)?,
        })
    }

    /// Lets the connector forget how far it was, with a slot that holds the log from now on. It takes a snapshot of everything
    /// when it starts: what is written meanwhile is in the snapshot or in the log. `anew` also replaces a slot that is whole.
    pub(crate) async fn begin_anew(&self, anew: bool) -> Result<()> {
        self.connector.stop().await.context("the connector cannot be stopped")?;
        // The worker has stopped; Postgres may take another moment to notice.
        let slot = self.slot(anew).await?;
        tracing::info!(slot, "replication slot");
        self.connector
            .forget_offsets()
            .await
            .context("the offsets of the connector cannot be reset")?;
        self.connector.start().await.context("the connector does not start")?;
        Ok(())
    }

    async fn slot(&self, anew: bool) -> Result<String> {
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            match ensure_replication_slot(&self.pool.get().await?, anew).await {
                Ok(done) => return Ok(done),
                Err(error) if Instant::now() >= until => {
                    return Err(error).context("the replication slot cannot be made");
                }
                Err(error) => tracing::debug!(%error, "the replication slot cannot be made yet"),
            }
            tokio::time::sleep(STEP).await;
        }
    }

    /// The notifications from now on.
    pub(crate) fn notifications(&self, begin: Begin) -> Result<Notifications> {
        let (kafka, registry) = (&self.settings.kafka, &self.settings.registry);
        Ok(block_in_place(|| Notifications::open(kafka, registry, begin))?)
    }

    /// Waits for the end of the snapshot that the connector takes when it starts.
    pub(crate) async fn wait_for_snapshot(&self, notifications: &mut Notifications) -> Result<()> {
        let until = Instant::now() + SNAPSHOT_PATIENCE;
        loop {
            ensure!(
                Instant::now() < until,
                "no end of the snapshot within {SNAPSHOT_PATIENCE:?}"
            );
            let Some(found) = notifications.next(STEP).await? else {
                let status = self.connector.status().await;
                if let Some(reason) = status.ok().and_then(|status| status.failure()) {
                    // Whatever it was (a registry that is away): it starts again with the snapshot.
                    tracing::warn!(reason, "the connector failed and is restarted");
                    self.connector.restart_failed().await?;
                }
                continue;
            };
            if found.kind() == Kind::Initial && found.stage() == Stage::Completed {
                return Ok(());
            }
        }
    }

    /// How far the read models are behind what stands in the topics now.
    pub(crate) fn backlog(&self) -> Result<Vec<Backlog>> {
        let kafka = &self.settings.kafka;
        let note = |kind: SinkKind| {
            let topics: Vec<String> = kind.tables().iter().map(|table| table.topic()).collect();
            Backlog::note(kafka, kind.group(), &topics)
        };
        Ok(block_in_place(|| {
            [SinkKind::Cache, SinkKind::Search]
                .into_iter()
                .map(note)
                .collect::<Result<_, _>>()
        })?)
    }

    /// Takes out of the read models what Postgres does not have.
    pub(crate) async fn sweep(&self) -> Result<Swept> {
        let settings = self.settings;
        Ok(sweep::run(&settings.database, &settings.redis, &settings.elasticsearch).await?)
    }

    /// Waits until the read models have all that stands in the topics now, then takes out what Postgres does not have.
    pub(crate) async fn settle(&self) -> Result<Swept> {
        let backlog = self.backlog()?;
        let until = Instant::now() + SNAPSHOT_PATIENCE;
        while left(&backlog)? > 0 {
            ensure!(
                Instant::now() < until,
                "the consumers are not level after {SNAPSHOT_PATIENCE:?}"
            );
            tokio::time::sleep(STEP).await;
        }
        self.sweep().await
    }
}

/// Records that are still to come.
pub(crate) fn left(backlog: &[Backlog]) -> Result<i64> {
    block_in_place(|| {
        let counts = backlog.iter().map(Backlog::left);
        Ok(counts
            .collect::<Result<Vec<i64>, _>>()?
            .into_iter()
            .fold(0, i64::saturating_add))
    })
}

/// `onhand connect repair`: slot, offsets and snapshot anew, then everything that the snapshot could not say.
pub(crate) async fn repair(settings: &Settings, connector: &str) -> Result<()> {
    let capture = Capture::new(settings, connector)?;
    let mut notifications = capture.notifications(Begin::Now)?;
    println!("stopping the connector; it begins anew with a snapshot");
    capture.begin_anew(false).await?;
    capture.wait_for_snapshot(&mut notifications).await?;
    println!("snapshot taken; waiting for the consumers");
    let swept = capture.settle().await?;
    println!(
        "the read models have it; {} rows of redis and {} documents of elasticsearch were gone from postgres and are removed",
        swept.redis, swept.search
    );
    Ok(())
}
