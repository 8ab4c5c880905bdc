//! Slack, by the incoming webhook of a channel. All edges that wait are one message.

use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::http::{Http, Verdict};
use super::notice::Notice;

/// Lines in one message; nobody reads more, and Slack cuts long texts.
const LINES: usize = 20;
/// Slack says with these that it will never take the message.
const REFUSED: [StatusCode; 2] = [StatusCode::BAD_REQUEST, StatusCode::PAYLOAD_TOO_LARGE];

/// A channel.
#[derive(Debug)]
pub(super) struct Slack {
    url: SecretString,
}

impl Slack {
    pub(super) fn new(url: SecretString) -> Self {
        Self { url }
    }

    pub(super) async fn tell(&self, http: &Http, notices: &[Notice]) -> Verdict {
        let body = json!({"text": text(notices)}).to_string();
        match http.post(self.url.expose_secret(), &[], body).await {
            Ok(answer) => answer.verdict(&REFUSED),
            Err(verdict) => verdict,
        }
    }
}

fn text(notices: &[Notice]) -> String {
    let mut lines: Vec<String> = notices.iter().take(LINES).map(line).collect();
    let more = notices.len().saturating_sub(LINES);
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    lines.join("\n")
}

fn line(notice: &Notice) -> String {
    let mark = match (notice.is_resolved(), notice.severity.as_str()) {
        (true, _) => ":white_check_mark:",
        (false, "critical") => ":red_circle:",
        (false, "warning") => ":large_orange_circle:",
        (false, _) => ":information_source:",
    };
    format!("{mark} {}", escaped(&notice.summary()))
}

/// The three characters that Slack reads as its own; with them a sku could call a whole channel.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_a_bounded_number_of_lines_and_calls_nobody() {
        let notice = Notice {
            event: "opened".to_owned(),
            kind: "out_of_stock".to_owned(),
            severity: "critical".to_owned(),
            sku: Some("<!channel>".to_owned()),
            location: Some("W1".to_owned()),
            ..Notice::default()
        };
        let text = text(&vec![notice; 25]);
        assert_eq!(text.lines().count(), 21);
        assert!(text.ends_with("and 5 more"));
        assert!(
            text.starts_with(":red_circle: &lt;!channel&gt; is out of stock at W1"),
            "{text}"
        );
    }
}
