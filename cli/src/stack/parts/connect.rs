//! The Kafka Connect worker that runs the Debezium connector.

use std::time::Duration;

use anyhow::{Result, bail};
use futures_util::FutureExt;
use nix::sys::signal::Signal;
use secrecy::ExposeSecret;

use super::{DATABASE, kafka_jvm};
use crate::stack::part::{Launch, Part};
use crate::stack::{Stack, probe};

const NAME: &str = "connect";
const HEAP: &str = "1g";
/// The worker's one busy thread pays for what G1 keeps record of: with this one an event takes an eighth less processor time, and the
/// worker a fifth less memory.
const COLLECTOR: &str = "-XX:+UseParallelGC";
const CONNECTOR: &str = "io.debezium.connector.postgresql.PostgresConnector";
/// The same settings as in a cluster; only what stands between `@` differs.
const TEMPLATE: &str = include_str!("../../../../connectors/connect-worker.properties");

pub(super) const PART: Part = Part {
    name: NAME,
    needs: &["kafka"],
    ports: |stack| vec![stack.ports().connect()],
    prepare,
    launch,
    probe: |stack| {
        async move {
            let url = format!("{}/connector-plugins", stack.connect_url());
            let plugins = probe::http(&stack.http, &url).await?;
            if !plugins.contains(CONNECTOR) {
                bail!("the Debezium plugin is not loaded");
            }
            Ok(())
        }
        .boxed()
    },
    start_deadline: Duration::from_secs(180),
    stop_signal: Signal::SIGTERM,
    stop_deadline: Duration::from_secs(30),
    stop_wave: 1,
    stands_back: false,
};

fn prepare(stack: &Stack) -> Result<()> {
    stack.owner.make_dir(&stack.layout.data(NAME), 0o750)?;
    let config = TEMPLATE
        .replace("@BOOTSTRAP_SERVERS@", &stack.brokers())
        .replace("@LISTENERS@", &format!("http://127.0.0.1:{}", stack.ports().connect()))
        .replace("@ADVERTISED_HOST@", "127.0.0.1")
        .replace("@REPLICATION_FACTOR@", "1")
        .replace("@PLUGIN_PATH@", &stack.set().join("plugins").display().to_string());
    stack
        .owner
        .write(&stack.layout.etc().join("connect.properties"), &config, 0o644)
}

/// The connector definition takes addresses and secrets from these variables.
fn launch(stack: &Stack) -> Result<Launch> {
    Ok(kafka_jvm(stack, HEAP)
        .arg(COLLECTOR)
        .arg("org.apache.kafka.connect.cli.ConnectDistributed")
        .arg(stack.layout.etc().join("connect.properties"))
        .env("ONHAND_CDC_HOST", "127.0.0.1")
        .env("ONHAND_CDC_PORT", stack.ports().postgres().to_string())
        .env("ONHAND_CDC_DATABASE", DATABASE)
        .env("ONHAND_CDC_USER", "onhand_cdc")
        .env("ONHAND_CDC_PASSWORD", stack.secrets.cdc.expose_secret())
        .env("ONHAND_CDC_SSLMODE", "disable")
        .env(
            "ONHAND_CDC_REGISTRY_URL",
            format!("http://127.0.0.1:{}/apis/registry/v2", stack.ports().registry()),
        ))
}
