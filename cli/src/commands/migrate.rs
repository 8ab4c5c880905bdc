//! `onhand migrate`.

use anyhow::Result;
use onhand_db::migrate::{self, MigrateOptions, Slot};

use crate::settings::SettingsFile;

/// Brings the database of section `database` to this release. Its login must be a superuser, or own the database and be
/// allowed to make roles and replication slots.
#[derive(Debug, clap::Args)]
pub(super) struct Migrate {
    #[command(flatten)]
    settings: SettingsFile,
    /// Password of the login of the API and the consumers; without one the login is left alone
    #[arg(long, env = "ONHAND_APP_PASSWORD", hide_env_values = true)]
    app_password: Option<String>,
    /// Password of the login of the connector; without one it is left alone
    #[arg(long, env = "ONHAND_CDC_PASSWORD", hide_env_values = true)]
    cdc_password: Option<String>,
    /// Leave the replication slot alone
    #[arg(long)]
    no_slot: bool,
}

impl Migrate {
    /// Migrates and says what was done.
    pub(super) async fn run(self) -> Result<()> {
        let settings = self.settings.load()?;
        let options = MigrateOptions {
            app_password: self.app_password.map(Into::into),
            cdc_password: self.cdc_password.map(Into::into),
            create_slot: !self.no_slot,
        };
        let report = migrate::run(&settings.database, &options).await?;
        for name in &report.applied {
            println!("applied {name}");
        }
        let how = if report.functions_loaded {
            "loaded"
        } else {
            "in force already"
        };
        println!("functions {} {how}", report.functions_hash);
        match report.slot {
            Slot::NotAsked => {}
            Slot::Present => println!("replication slot is there"),
            Slot::Created => println!("replication slot made"),
            Slot::Recreated => {
                println!("replication slot was missing and is made anew: changes since it was lost need a snapshot")
            }
        }
        Ok(())
    }
}
