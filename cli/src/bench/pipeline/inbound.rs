//! Commands as other systems send them: what the part ingest reads.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, bail};
use onhand_cdc::{KafkaConfig, topics};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord};
use serde_json::json;
use uuid::Uuid;

use super::kafka;

/// A unit comes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Delivery {
    /// Item.
    pub(super) sku: String,
    /// Where.
    pub(super) location: &'static str,
}

impl Delivery {
    fn body(&self, id: &str) -> String {
        json!({"command_id": id, "command_type": "ADD", "sku": self.sku, "location_id": self.location, "quantity": 1,
            "reason": "bench"})
        .to_string()
    }
}

/// Sends all of them, each as a command under an id of its own, and waits until Kafka has them. Blocks.
pub(super) fn send(config: &KafkaConfig, deliveries: impl Iterator<Item = Delivery>, stop: &AtomicBool) -> Result<()> {
    let producer: BaseProducer = config
        .client()
        .set("partitioner", "murmur2_random")
        .set("compression.type", "zstd")
        .set("linger.ms", "5")
        .set("enable.idempotence", "true")
        .create()?;
    for delivery in deliveries {
        if stop.load(Ordering::Relaxed) {
            bail!("stopped");
        }
        let body = delivery.body(&Uuid::now_v7().to_string());
        let headers = OwnedHeaders::new().insert(Header {
            key: "content-type",
            value: Some("application/json"),
        });
        let record = BaseRecord::to(topics::STOCK_COMMANDS)
            .key(&delivery.sku)
            .payload(&body)
            .headers(headers);
        kafka::enqueue(&producer, record)?;
    }
    kafka::flush(&producer, "commands")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use onhand_cdc::inbound::StockCommand;

    use super::*;

    #[test]
    fn a_delivery_is_a_command_of_the_contract() {
        let delivery = Delivery {
            sku: "A-1".to_owned(),
            location: "W1",
        };
        let command = StockCommand::from_json(delivery.body("c-1").as_bytes()).unwrap();
        assert_eq!(
            (command.command_id.as_str(), command.command_type.as_str()),
            ("c-1", "ADD")
        );
        assert_eq!(
            (command.sku.as_deref(), command.location_id.as_deref()),
            (Some("A-1"), Some("W1"))
        );
        assert_eq!(command.quantity, Some(1));
    }
}
