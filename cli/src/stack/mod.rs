//! The local stack: every real part on this machine, without containers.
//!
//! `up` brings a graph of parts and steps to the wanted state and changes nothing that is already there; `down` ends
//! every process. Who runs is decided by `/proc`, never by a pid file alone.

mod doctor;
mod down;
mod env;
mod fetch;
mod java;
mod lag;
mod layout;
mod logs;
mod owner;
mod part;
mod parts;
mod preflight;
mod probe;
mod process;
mod procfs;
mod progress;
mod secrets;
mod share;
mod spawn;
mod status;
mod steps;
mod up;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use onhand_cdc::ConnectConfig;
use onhand_cdc::connect::{ConnectError, Connector};
use secrecy::{ExposeSecret, SecretString};

use java::Java;
use layout::{Layout, Ports};
use owner::Owner;
use secrets::Secrets;

pub(crate) use doctor::doctor;
pub(crate) use down::down;
pub(crate) use env::{env, local_api_url, local_settings, local_state, local_superuser_url, local_verify_metrics};
pub(crate) use logs::logs;
pub(crate) use process::{kill_part, part_pid};
pub(crate) use status::status;
pub(crate) use up::up;

/// All that a part needs to know about the stack that it belongs to.
#[derive(Debug)]
pub(crate) struct Stack {
    pub(crate) layout: Layout,
    pub(crate) owner: Owner,
    pub(crate) secrets: Secrets,
    pub(crate) java: Java,
    pub(crate) http: reqwest::Client,
    /// Whether Prometheus and Alertmanager are parts of it.
    pub(crate) observed: bool,
}

impl Stack {
    /// Makes the folders and passwords that are missing.
    fn open(layout: Layout) -> Result<Self> {
        let owner = Owner::find()?;
        let folders = [
            layout.state.clone(),
            layout.etc(),
            layout.run(),
            layout.tmp(),
            layout.bin(),
            layout.log_dir(),
            layout.state.join("data"),
        ];
        for folder in folders {
            owner.make_dir(&folder, 0o755)?;
        }
        // The parts are fetched later, but their folder is on the same way then.
        fs::create_dir_all(&layout.parts).with_context(|| format!("{} could not be made", layout.parts.display()))?;
        for (folder, setting) in [(&layout.state, "ONHAND_STATE"), (&layout.parts, "ONHAND_PARTS")] {
            if !owner.reaches(folder) {
                bail!(
                    "the servers run as user onhand, who cannot reach {}; set {setting} to a folder outside a private one",
                    folder.display()
                );
            }
        }
        let java = Java::find(&owner)?;
        let secrets = Secrets::load_or_make(&layout.secrets())?;
        let observed = parts::OBSERVERS.iter().any(|name| layout.pid_file(name).exists());
        Ok(Self {
            layout,
            owner,
            secrets,
            java,
            http: probe::http_client()?,
            observed,
        })
    }

    pub(crate) fn ports(&self) -> Ports {
        self.layout.ports
    }

    /// The folder of the pinned parts.
    pub(crate) fn set(&self) -> PathBuf {
        fetch::set_folder(&self.layout.parts)
    }

    /// Base of the registry's Confluent API.
    pub(crate) fn registry_url(&self) -> String {
        format!("http://127.0.0.1:{}/apis/ccompat/v7", self.ports().registry())
    }

    pub(crate) fn connect_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports().connect())
    }

    pub(crate) fn elasticsearch_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports().elasticsearch())
    }

    pub(crate) fn alertmanager_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports().alertmanager())
    }

    pub(crate) fn brokers(&self) -> String {
        format!("127.0.0.1:{}", self.ports().kafka())
    }

    pub(crate) fn redis_url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.ports().redis())
    }

    /// For migrations and whoever looks at everything.
    pub(crate) fn superuser_url(&self) -> String {
        self.database_url("postgres", &self.secrets.postgres)
    }

    /// For the API and the consumers.
    pub(crate) fn app_url(&self) -> String {
        self.database_url(onhand_db::migrate::APP_LOGIN, &self.secrets.app)
    }

    fn database_url(&self, user: &str, password: &SecretString) -> String {
        format!(
            "postgres://{user}:{}@127.0.0.1:{}/{}",
            password.expose_secret(),
            self.ports().postgres(),
            parts::DATABASE
        )
    }

    /// A connector of this stack, whether it exists or not.
    pub(crate) fn connector(&self, name: &str) -> Result<Connector, ConnectError> {
        let config = ConnectConfig {
            url: self.connect_url(),
            ..ConnectConfig::default()
        };
        Connector::new(&config, name)
    }

    /// The settings that connect a role of the product to this stack.
    pub(crate) fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("ONHAND_DATABASE__URL", self.app_url()),
            ("ONHAND_KAFKA__BROKERS", self.brokers()),
            ("ONHAND_REGISTRY__URL", self.registry_url()),
            ("ONHAND_CONNECT__URL", self.connect_url()),
            ("ONHAND_REDIS__URL", self.redis_url()),
            ("ONHAND_ELASTICSEARCH__URL", self.elasticsearch_url()),
        ]
    }

    /// The binary that the servers may run: the one in the build folder may be out of their reach.
    pub(crate) fn binary(&self) -> PathBuf {
        self.layout.bin().join("onhand")
    }
}
