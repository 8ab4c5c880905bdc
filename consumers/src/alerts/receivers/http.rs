//! One bounded way to send a request to a receiver, and what its answer means.

use std::time::Duration;

use onhand_cdc::{ConfigError, error_chain};
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode, redirect};

/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// A receiver's answer is kept for people who look for the cause, as far as that helps.
const ANSWER_CHARS: usize = 200;
/// An answer is not read any further.
const ANSWER_BYTES: usize = 4_096;

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Verdict {
    /// The receiver has it.
    Delivered(u16),
    /// It may have it later.
    Retry {
        /// Its answer, if there was one.
        status: Option<u16>,
        /// Why not now.
        reason: String,
        /// Not before, it says.
        after: Option<Duration>,
    },
    /// It will never take this.
    Refused {
        /// Its answer.
        status: Option<u16>,
        /// Why.
        reason: String,
    },
    /// It wants nothing any more.
    Gone {
        /// Its answer.
        status: u16,
    },
}

impl Verdict {
    pub(super) fn retry(reason: impl Into<String>) -> Self {
        Self::Retry {
            status: None,
            reason: reason.into(),
            after: None,
        }
    }
}

/// An answer as far as it was read.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    after: Option<Duration>,
    text: String,
}

impl Answer {
    /// Any success is one. Otherwise the same message may be taken later, unless the receiver says that it is wrong.
    pub(super) fn verdict(self, refused: &[StatusCode]) -> Verdict {
        if self.status.is_success() {
            return Verdict::Delivered(self.status.as_u16());
        }
        let status = Some(self.status.as_u16());
        let reason = format!("answered {}: {}", self.status.as_u16(), self.text);
        if refused.contains(&self.status) {
            return Verdict::Refused { status, reason };
        }
        Verdict::Retry {
            status,
            reason,
            after: self.after,
        }
    }
}

/// The client for all receivers.
#[derive(Debug)]
pub(super) struct Http {
    client: Client,
    timeout: Duration,
}

impl Http {
    /// Follows no redirects: what is signed for one address is for no other.
    pub(super) fn new(timeout: Duration) -> Result<Self, ConfigError> {
        let client = Client::builder()
            .timeout(timeout)
            .connect_timeout(timeout.min(CONNECT_TIMEOUT))
            .redirect(redirect::Policy::none())
            .user_agent(concat!("onhand/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| ConfigError::new("alerts", error_chain(&error)))?;
        Ok(Self { client, timeout })
    }

    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Posts JSON. The error names no address: that of some receivers is a secret.
    pub(super) async fn post(&self, url: &str, headers: &[(&str, &str)], body: String) -> Result<Answer, Verdict> {
        let request = self
            .client
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .body(body);
        let request = headers
            .iter()
            .fold(request, |request, (name, value)| request.header(*name, *value));
        match request.send().await {
            Ok(response) => Ok(read(response).await),
            Err(error) => Err(Verdict::retry(error_chain(&error.without_url()))),
        }
    }
}

/// The status decides; a body that breaks off or has no end changes nothing about it.
async fn read(mut response: Response) -> Answer {
    let status = response.status();
    let after = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.trim().parse().ok())
        .map(Duration::from_secs);
    let mut body = Vec::new();
    while !status.is_success() && body.len() < ANSWER_BYTES {
        match response.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) | Err(_) => break,
        }
    }
    let text = String::from_utf8_lossy(&body);
    let text = text.chars().filter(|c| !c.is_control()).take(ANSWER_CHARS).collect();
    Answer { status, after, text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: StatusCode) -> Answer {
        Answer {
            status,
            after: Some(Duration::from_secs(7)),
            text: "no".to_owned(),
        }
    }

    #[test]
    fn a_success_is_delivered_and_only_what_is_wrong_for_good_is_refused() {
        let refused = [StatusCode::BAD_REQUEST];
        assert_eq!(answer(StatusCode::ACCEPTED).verdict(&refused), Verdict::Delivered(202));
        assert!(matches!(
            answer(StatusCode::BAD_REQUEST).verdict(&refused),
            Verdict::Refused { status: Some(400), .. }
        ));
        for status in [
            StatusCode::FOUND,
            StatusCode::NOT_FOUND,
            StatusCode::TOO_MANY_REQUESTS,
            StatusCode::SERVICE_UNAVAILABLE,
        ] {
            assert_eq!(
                answer(status).verdict(&refused),
                Verdict::Retry {
                    status: Some(status.as_u16()),
                    reason: format!("answered {}: no", status.as_u16()),
                    after: Some(Duration::from_secs(7)),
                }
            );
        }
    }
}
