//! What `onhand connect watch` does about the slot, and after each snapshot that the connector takes when it starts.
//!
//! A slot that is missing or was given up means a gap: the connector begins anew. Whoever made it begin anew, the snapshot
//! that it takes says nothing of rows that were deleted in the gap, so the end of each such snapshot is followed by a sweep
//! of the read models. What was followed is committed in Kafka, so a sweep outlives a restart of this role.

use std::time::{Duration, Instant};

use anyhow::Result;
use onhand_cdc::DecodeClass;
use onhand_cdc::backlog::Backlog;
use onhand_cdc::connect::State;
use onhand_cdc::error_chain;
use onhand_cdc::notification::{Begin, Kind, NotificationError, Notifications, Stage};
use onhand_db::{SlotState, slot_state};
use tokio_util::sync::CancellationToken;

use super::repair::{Capture, left};
use crate::settings::Settings;

/// Notifications that were followed by a sweep.
const GROUP: &str = "onhand.watch";
/// A notification that is there comes at once.
const POLL: Duration = Duration::from_millis(300);
/// Between two looks at the offsets. For each of them Connect reads its topic of offsets to the end, which costs more than all else here,
/// and only a restored database makes them wrong.
const OFFSETS_EVERY: Duration = Duration::from_secs(30);

/// Looks after the slot until the token is cancelled.
pub(crate) async fn watch(settings: &Settings, connector: &str, interval: Duration, token: CancellationToken) {
    let mut watch = match Capture::new(settings, connector) {
        Ok(capture) => Watch {
            capture,
            notifications: None,
            due: None,
            offsets_seen: None,
        },
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "the slot is not watched");
            return;
        }
    };
    let mut quiet = false;
    loop {
        tokio::select! {
            () = token.cancelled() => return,
            () = tokio::time::sleep(interval) => {}
        }
        let step = tokio::select! {
            () = token.cancelled() => return,
            step = watch.step() => step,
        };
        match step {
            Ok(()) => quiet = false,
            // Postgres or Kafka may be away for long: said once.
            Err(error) if !quiet => {
                tracing::warn!(
                    error = format!("{error:#}"),
                    "the slot could not be looked after, it is tried again"
                );
                quiet = true;
            }
            Err(_) => {}
        }
    }
}

struct Watch<'a> {
    capture: Capture<'a>,
    notifications: Option<Notifications>,
    /// A snapshot has ended; when the consumers have come this far, the read models are swept.
    due: Option<Vec<Backlog>>,
    /// When the offsets were found right.
    offsets_seen: Option<Instant>,
}

impl Watch<'_> {
    async fn step(&mut self) -> Result<()> {
        self.look_at_slot().await?;
        self.look_at_snapshots().await?;
        self.sweep_if_due().await
    }

    async fn look_at_slot(&mut self) -> Result<()> {
        let state = slot_state(&self.capture.pool.get().await?).await?;
        match state {
            SlotState::Missing => tracing::warn!("the replication slot is missing: the connector begins anew"),
            SlotState::Lost { reason } => {
                tracing::warn!(
                    reason,
                    "postgres has given the replication slot up: the connector begins anew"
                );
            }
            SlotState::Present { end, .. } => return self.look_at_offsets(end).await,
        }
        // A connector that was stopped or paused on purpose stays so.
        let status = self.capture.connector.status().await?;
        if matches!(status.connector.state, State::Stopped | State::Paused) {
            tracing::warn!(%status, "the connector was stopped by somebody, nothing is done");
            return Ok(());
        }
        self.capture.begin_anew(false).await
    }

    /// What was read can not lie behind the end of the log, unless this is another log.
    async fn look_at_offsets(&mut self, end: u64) -> Result<()> {
        if self.offsets_seen.is_some_and(|seen| seen.elapsed() < OFFSETS_EVERY) {
            return Ok(());
        }
        match self.capture.connector.stored_lsn().await {
            Ok(Some(stored)) if stored > end => anyhow::bail!(
                "the connector has read up to {stored:#x}, and the log of this database ends at {end:#x}: it was restored; \
                 run `onhand recover`"
            ),
            Ok(_) => {
                self.offsets_seen = Some(Instant::now());
                Ok(())
            }
            Err(error) => {
                tracing::debug!(
                    error = error_chain(&error),
                    "the offsets of the connector are not known"
                );
                Ok(())
            }
        }
    }

    async fn look_at_snapshots(&mut self) -> Result<()> {
        if self.notifications.is_none() {
            self.notifications = Some(self.capture.notifications(Begin::LeftOff(GROUP))?);
        }
        let Some(notifications) = &mut self.notifications else {
            return Ok(());
        };
        loop {
            match notifications.next(POLL).await {
                Ok(None) => return Ok(()),
                Ok(Some(found)) if found.kind() == Kind::Initial && found.stage() == Stage::Completed => {
                    tracing::info!("the connector has taken a snapshot, the read models are swept when they have it");
                    self.due = Some(self.capture.backlog()?);
                }
                Ok(Some(_)) => {}
                Err(NotificationError::Decode(error)) if error.class() == DecodeClass::Poison => {
                    tracing::warn!(error = error_chain(&error), "what is no notification is passed over");
                }
                Err(error) => {
                    self.notifications = None;
                    return Err(error.into());
                }
            }
        }
    }

    async fn sweep_if_due(&mut self) -> Result<()> {
        let Some(backlog) = &self.due else {
            return Ok(());
        };
        if left(backlog)? > 0 {
            return Ok(());
        }
        let swept = self.capture.sweep().await?;
        tracing::info!(redis = swept.redis, elasticsearch = swept.search, "read models swept");
        self.due = None;
        if let Some(notifications) = &self.notifications {
            tokio::task::block_in_place(|| notifications.settle())?;
        }
        Ok(())
    }
}
