//! What the registry and the Connect client share: one bounded way to send a request.

use std::time::Duration;

use reqwest::{Client, RequestBuilder, StatusCode};

/// The server did not answer, or not in time.
#[derive(Debug, thiserror::Error)]
#[error("no answer")]
pub(crate) struct NoAnswer(#[from] reqwest::Error);

pub(crate) fn client(timeout: Duration) -> Result<Client, reqwest::Error> {
    Client::builder()
        .timeout(timeout)
        .connect_timeout(timeout.min(Duration::from_secs(3)))
        .no_proxy()
        .build()
}

/// Sends and reads the whole answer, so that a connection cut in the middle is an error here too.
pub(crate) async fn send(request: RequestBuilder) -> Result<(StatusCode, String), NoAnswer> {
    let answer = request.send().await?;
    let status = answer.status();
    Ok((status, answer.text().await?))
}
