//! A consumer of a test's own, beside those of the stack or in the place of one.

use crate::stack::Stack;
use anyhow::{Context, Result};
use serde_json::Value;
use std::fs::File;
use std::net::TcpListener;
use std::process::{Child, Command, ExitStatus};

/// The process; it ends with the test.
#[derive(Debug)]
pub struct Consumer {
    child: Child,
    port: u16,
    log: String,
}

impl Consumer {
    /// Starts `onhand consume <sink>` with the settings of the stack and these, and waits for nothing.
    ///
    /// # Errors
    /// If the program cannot be started.
    pub fn start(stack: &Stack, sink: &str, settings: &[(&str, String)]) -> Result<Self> {
        let program =
            std::env::var("ONHAND_BIN").context("ONHAND_BIN is not set: run these tests with ./onhand test")?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let log = format!("{}/log/own-{sink}-{port}.log", stack.state);
        let output = File::create(&log).with_context(|| log.clone())?;
        let child = Command::new(program)
            .args(["consume", sink])
            .env("ONHAND_RUNTIME__METRICS_LISTEN", format!("127.0.0.1:{port}"))
            .env("ONHAND_LOG", "text")
            .envs(settings.iter().map(|(name, value)| (name, value)))
            .stderr(output.try_clone()?)
            .stdout(output)
            .spawn()?;
        Ok(Self { child, port, log })
    }

    /// Status and answer of one of its probes.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn probe(&self, path: &str) -> Result<(u16, Value)> {
        let answer = reqwest::get(format!("http://127.0.0.1:{}/{path}", self.port)).await?;
        Ok((answer.status().as_u16(), answer.json().await?))
    }

    /// Whether its worker waits in this stage, for a reason that has these words.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn waits(&self, stage: &str, words: &str) -> Result<bool> {
        let (status, body) = self.probe("ready").await?;
        let text = |path: &str| body.pointer(path).and_then(Value::as_str).unwrap_or_default();
        Ok(status == 503 && text("/parts/worker/stage") == stage && text("/parts/worker/problem").contains(words))
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// If the system does not say.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// All that it has written.
    ///
    /// # Errors
    /// If its log cannot be read.
    pub fn said(&self) -> Result<String> {
        std::fs::read_to_string(&self.log).with_context(|| self.log.clone())
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
