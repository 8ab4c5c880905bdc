//! Ways to ask a part whether it really serves: not its port, its answer.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use tokio::net::TcpStream;
use tokio_postgres::NoTls;

/// One probe must not hang longer than this: the next one may find the part ready.
const TIMEOUT: Duration = Duration::from_secs(3);

/// The client of all HTTP probes.
pub(crate) fn http_client() -> Result<reqwest::Client> {
    reqwest::Client::builder()
        .timeout(TIMEOUT)
        .no_proxy()
        .build()
        .context("no HTTP client")
}

/// Gets a page, which must answer with a success.
pub(crate) async fn http(client: &reqwest::Client, url: &str) -> Result<String> {
    let response = client
        .get(url)
        .send()
        .await
        .with_context(|| format!("{url} does not answer"))?;
    let status = response.status();
    let body = response.text().await.with_context(|| format!("{url} broke off"))?;
    if !status.is_success() {
        bail!("{url} answers {status}");
    }
    Ok(body)
}

/// Logs in and runs `select 1`.
pub(crate) async fn sql(config: &tokio_postgres::Config) -> Result<()> {
    let client = postgres(config).await?;
    client.simple_query("select 1").await.context("select 1 failed")?;
    Ok(())
}

/// A connection for a few statements; its task ends with it.
pub(crate) async fn postgres(config: &tokio_postgres::Config) -> Result<tokio_postgres::Client> {
    let (client, connection) = tokio::time::timeout(TIMEOUT, config.connect(NoTls))
        .await
        .context("postgres does not answer")?
        .context("postgres does not let us in")?;
    tokio::spawn(connection);
    Ok(client)
}

/// `PING`.
pub(crate) async fn redis(url: &str) -> Result<()> {
    let client = redis::Client::open(url).context("bad address of redis")?;
    let ping = async {
        let mut connection = client.get_multiplexed_async_connection().await?;
        redis::cmd("PING").query_async::<String>(&mut connection).await
    };
    let answer = tokio::time::timeout(TIMEOUT, ping)
        .await
        .context("redis does not answer")?
        .context("redis refuses")?;
    if answer != "PONG" {
        bail!("redis answers {answer}");
    }
    Ok(())
}

/// A metadata request that must name at least one broker.
pub(crate) async fn kafka(broker: String) -> Result<()> {
    // The client library retries for ever and logs each time, so the port is tried first.
    TcpStream::connect(&broker)
        .await
        .with_context(|| format!("{broker} does not answer"))?;
    let brokers = tokio::task::spawn_blocking(move || -> Result<usize> {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", broker)
            .set("log_level", "0")
            .create()?;
        Ok(consumer.fetch_metadata(None, TIMEOUT)?.brokers().len())
    })
    .await
    .context("the metadata request broke off")?
    .context("no metadata from kafka")?;
    if brokers == 0 {
        bail!("no broker is registered yet");
    }
    Ok(())
}
