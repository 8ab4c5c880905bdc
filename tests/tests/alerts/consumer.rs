//! A consumer of alerts of the test's own, in the place of that of the stack.

use anyhow::{Context, Result, ensure};
use onhand_tests::stack::{eventually, program};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use tokio::sync::{Mutex, MutexGuard};

static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

/// Every receiver is told of every alert: a test begins when the one before it has ended.
pub(crate) async fn turn() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().await
}

/// The consumer; ends with the test, and the stack gets its own back.
pub(crate) struct Consumer {
    settings: Vec<(String, String)>,
    child: Option<Child>,
    port: u16,
}

impl Consumer {
    /// Short pauses, so that a test sees in seconds what takes hours.
    pub(crate) async fn start(settings: &[(&str, String)]) -> Self {
        let (code, text) = program(&["down", "alerts"]);
        assert_eq!(code, 0, "{text}");
        let quick = [
            ("REQUEST_TIMEOUT_MS", "1500"),
            ("RETRY_MIN_MS", "100"),
            ("RETRY_MAX_MS", "500"),
            ("MAX_ATTEMPTS", "1000"),
            ("POLL_MS", "100"),
            ("CHECK_INTERVAL_MS", "300"),
            ("ALERTMANAGER_RESEND_MS", "1000"),
        ];
        let mut consumer = Self {
            settings: quick
                .iter()
                .map(|(name, value)| (format!("ONHAND_ALERTS__{name}"), (*value).to_owned()))
                .chain(settings.iter().map(|(name, value)| ((*name).to_owned(), value.clone())))
                .collect(),
            child: None,
            port: TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port(),
        };
        consumer.begin().await;
        consumer
    }

    /// Starts the process and waits until it works.
    pub(crate) async fn begin(&mut self) {
        let binary = std::env::var("ONHAND_BIN").expect("ONHAND_BIN is not set: run these tests with ./onhand test");
        let child = Command::new(binary)
            .args(["consume", "alerts"])
            .env("ONHAND_RUNTIME__METRICS_LISTEN", format!("127.0.0.1:{}", self.port))
            // Its partitions come back at once after a kill.
            .env("ONHAND_RUNTIME__GROUP_INSTANCE_ID", "alerts-0")
            .env("ONHAND_LOG", "text")
            .envs(self.settings.clone())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        self.child = Some(child);
        eventually("the consumer of alerts is ready", || async {
            Ok(self.page("ready").await.is_ok())
        })
        .await
        .unwrap();
    }

    /// Ends the process as a power cut would.
    pub(crate) fn kill(&mut self) {
        let mut child = self.child.take().expect("it was killed already");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    async fn page(&self, path: &str) -> Result<String> {
        let answer = reqwest::get(format!("http://127.0.0.1:{}/{path}", self.port)).await?;
        ensure!(answer.status().is_success(), "{path}: {}", answer.status());
        Ok(answer.text().await?)
    }

    /// Whether its process is there.
    pub(crate) fn lives(&mut self) -> bool {
        self.child
            .as_mut()
            .is_some_and(|child| child.try_wait().unwrap().is_none())
    }

    /// How often a message to this receiver had this outcome.
    pub(crate) async fn deliveries(&self, receiver: &str, outcome: &str) -> Result<f64> {
        let metrics = self.page("metrics").await?;
        let (receiver, outcome) = (format!("{receiver}\""), format!("outcome=\"{outcome}\""));
        let mut found = metrics.lines().filter(|line| {
            line.starts_with("onhand_alert_deliveries_total{") && line.contains(&receiver) && line.contains(&outcome)
        });
        let value = found.next().and_then(|line| line.rsplit(' ').next());
        Ok(value.map_or(Ok(0.0), str::parse)?)
    }

    /// Records that Kafka has and it has not read.
    pub(crate) async fn lag(&self) -> Result<f64> {
        let metrics = self.page("metrics").await?;
        let lags: Vec<f64> = metrics
            .lines()
            .filter(|line| line.starts_with("onhand_consumer_lag_records{"))
            .map(|line| {
                line.rsplit(' ')
                    .next()
                    .unwrap_or_default()
                    .parse::<f64>()
                    .context("no number")
            })
            .collect::<Result<_>>()?;
        ensure!(lags.len() == 4, "not all partitions are known: {lags:?}");
        Ok(lags.iter().sum())
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // Nothing is asked of its end; a test that failed ends here too.
            let _ = child.kill();
            let _ = child.wait();
        }
        let (code, text) = program(&["up", "alerts"]);
        if code != 0 {
            eprintln!("the stack's own consumer of alerts did not come back: {text}");
        }
    }
}
