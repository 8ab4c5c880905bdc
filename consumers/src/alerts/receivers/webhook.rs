//! Signed webhooks, after the Standard Webhooks specification.
//!
//! Headers: `webhook-id` (the same for each attempt, so that a receiver knows a message that comes twice),
//! `webhook-timestamp` (of the attempt, seconds), `webhook-signature` (`v1,` and the base64 of HMAC-SHA256 over
//! `id.timestamp.body` with the bytes of the secret).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use onhand_db::alert::ClaimedDelivery;
use reqwest::StatusCode;
use serde_json::{Value, json};
use sha2::Sha256;

use super::http::{Http, Verdict};

const SECRET_PREFIX: &str = "whsec_";

/// Posts one message.
pub(super) async fn tell(http: &Http, delivery: &ClaimedDelivery) -> Verdict {
    let (Some(url), Some(secret)) = (&delivery.url, &delivery.secret) else {
        return Verdict::Refused {
            status: None,
            reason: "there is no such receiver any more".to_owned(),
        };
    };
    let (id, timestamp) = (delivery.id.to_string(), Timestamp::now().as_second().to_string());
    let body = body(delivery).to_string();
    let Some(signature) = signature(secret, &id, &timestamp, &body) else {
        return Verdict::Refused {
            status: None,
            reason: "its secret is none".to_owned(),
        };
    };
    let headers = [
        ("webhook-id", id.as_str()),
        ("webhook-timestamp", timestamp.as_str()),
        ("webhook-signature", signature.as_str()),
    ];
    match http.post(url, &headers, body).await {
        Ok(answer) if answer.status == StatusCode::GONE => Verdict::Gone {
            status: answer.status.as_u16(),
        },
        Ok(answer) => answer.verdict(&[]),
        Err(verdict) => verdict,
    }
}

fn body(delivery: &ClaimedDelivery) -> Value {
    let at = match delivery.event.as_str() {
        "resolved" => delivery.payload.get("resolved_at"),
        _ => delivery.payload.get("opened_at"),
    };
    json!({"type": format!("alert.{}", delivery.event), "timestamp": at, "data": delivery.payload})
}

/// What proves to the receiver that the message is ours. `None` if the secret cannot be read.
fn signature(secret: &str, id: &str, timestamp: &str, body: &str) -> Option<String> {
    let key = STANDARD.decode(secret.strip_prefix(SECRET_PREFIX)?).ok()?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
    for part in [id, ".", timestamp, ".", body] {
        mac.update(part.as_bytes());
    }
    Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_signature_is_that_of_the_specification() {
        // The example of the reference libraries.
        let found = signature(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "1614265330",
            r#"{"test": 2432232314}"#,
        );
        assert_eq!(found.unwrap(), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(signature("hunter2", "a", "1", "{}"), None);
        assert_eq!(signature("whsec_***", "a", "1", "{}"), None);
    }

    #[test]
    fn the_body_says_what_happened_and_when() {
        let delivery = ClaimedDelivery {
            id: Uuid::nil(),
            attempt: 1,
            event: "resolved".to_owned(),
            fingerprint: "f".to_owned(),
            payload: json!({"opened_at": "a", "resolved_at": "b", "value": 7}),
            url: None,
            secret: None,
        };
        let body = body(&delivery);
        assert_eq!(body["type"], "alert.resolved");
        assert_eq!(body["timestamp"], "b");
        assert_eq!(body["data"]["value"], 7);
    }
}
