//! `onhand recover`: after Postgres was restored from a backup.
//!
//! The restored database knows nothing of what came after the backup; the topics and the read models do. So every row is
//! lifted into a new epoch, above every version of the time that was lost; the connector begins anew on a new slot, with
//! a snapshot; and what the restored database does not have is taken out of the read models.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use onhand_cdc::notification::Begin;
use onhand_consumers::verify::{Options, Verifier};
use onhand_db::{raise_epoch, renew_versions};

use super::repair::Capture;
use crate::connector::Definition;
use crate::settings::SettingsFile;

/// Time for what is on its way at the last comparison.
const COMPARE_PATIENCE: Duration = Duration::from_secs(60);

/// Arguments of `onhand recover`. The login of section `database` must be a member of `onhand_admin` and read the tables.
#[derive(Debug, Args)]
pub(crate) struct Recover {
    #[command(flatten)]
    settings: SettingsFile,
    /// What happened, for the audit trail
    #[arg(long)]
    reason: String,
    /// Leave the comparison of everything at the end out
    #[arg(long)]
    no_verify: bool,
}

impl Recover {
    /// Carries it out; can be run again after a failure.
    pub(crate) async fn run(self) -> Result<()> {
        ensure!(!self.reason.trim().is_empty(), "--reason must say what happened");
        let settings = self.settings.load_as_admin()?;
        let definition = Definition::built_in()?;
        let capture = Capture::new(&settings, &definition.name)?;
        let client = capture.pool.get().await.context("postgres cannot be reached")?;
        check_rights(&client).await?;
        let epoch = raise_epoch(&client, &self.reason).await?;
        println!("epoch {epoch}: what is written from now on is newer than anything before");
        let mut lifted: i64 = 0;
        loop {
            match renew_versions(&client).await? {
                0 => break,
                rows => lifted = lifted.saturating_add(rows),
            }
        }
        println!("{lifted} rows lifted into the epoch");
        drop(client);
        let mut notifications = capture.notifications(Begin::Now)?;
        println!("the connector begins anew, on a new slot");
        capture.begin_anew(true).await?;
        capture.wait_for_snapshot(&mut notifications).await?;
        println!("snapshot taken; waiting for the consumers");
        let swept = capture.settle().await?;
        println!(
            "{} rows of redis and {} documents of elasticsearch of the time that was lost are removed",
            swept.redis, swept.search
        );
        if self.no_verify {
            return Ok(());
        }
        let options = |repair| Options {
            repair,
            wait: COMPARE_PATIENCE,
            ..Options::default()
        };
        let verifier = Verifier::new(&settings.targets())?;
        // Movements of the time that was lost stand in the index, and nothing will ever say that they are gone.
        let mut report = verifier.verify(&options(true)).await?;
        if report.count() > 0 {
            print!("{report}");
            report = verifier.verify(&options(false)).await?;
        }
        print!("{report}");
        if !report.is_equal() {
            bail!("{} differences are left", report.left());
        }
        println!("recovered: every read model equals the restored database");
        println!("restart `onhand api`: its processes remember for some minutes which item a sku names");
        Ok(())
    }
}

/// Said before anything is changed.
async fn check_rights(client: &onhand_db::PooledClient) -> Result<()> {
    let allowed: bool = client
        .query_one(
            "select pg_catalog.has_function_privilege('api.renew_versions(integer)', 'execute') \
                 and pg_catalog.has_table_privilege('inventory.stock_level', 'select')",
            &[],
        )
        .await
        .context("this is no database of onhand of this release: run `onhand migrate` first")?
        .get(0);
    ensure!(
        allowed,
        "the login of section database may not do this; it must be a member of onhand_admin, see ONHAND_DATABASE__URL"
    );
    Ok(())
}
