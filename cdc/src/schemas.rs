//! The contracts that this product publishes, as files under `schemas/<domain>/v<N>_<name>`: Avro (`.avsc`), or JSON Schema
//! (`.json`) where the values are plain JSON.
//!
//! The list below gives each file its subject and, by its order, its version. Every subject is
//! `BACKWARD_TRANSITIVE`: a reader with the newest schema reads everything ever written.

use crate::registry::{RegistryClient, RegistryError, SchemaFormat};
use crate::{Environment, topics};

/// One version of one contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SchemaFile {
    /// Path under `schemas/`.
    pub path: &'static str,
    /// Subject without the suffix that a topic gives it.
    subject: Subject,
    /// The schema.
    pub text: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    /// The value of a topic.
    TopicValue(&'static str),
    /// A model that events embed and no topic carries by itself.
    Record(&'static str),
}

impl SchemaFile {
    const fn of_topic(topic: &'static str, path: &'static str, text: &'static str) -> Self {
        Self {
            path,
            subject: Subject::TopicValue(topic),
            text,
        }
    }

    /// What it is written in, by the end of its name.
    pub fn format(&self) -> SchemaFormat {
        if self.path.ends_with(".json") {
            SchemaFormat::Json
        } else {
            SchemaFormat::Avro
        }
    }

    /// Subject in the registry.
    pub fn subject(&self) -> String {
        match self.subject {
            Subject::TopicValue(topic) => format!("{topic}-value"),
            Subject::Record(name) => name.to_owned(),
        }
    }
}

/// Each change of stock, for other teams; the second version shows the item by the second version of its model.
pub const STOCK_UPDATED: SchemaFile = SchemaFile::of_topic(
    topics::STOCK_EVENTS,
    "stock/v2_stock_updated_event.avsc",
    include_str!("../schemas/stock/v2_stock_updated_event.avsc"),
);
/// Balances by item and location.
pub const STOCK_STATE: SchemaFile = SchemaFile::of_topic(
    topics::STATE,
    "inventory/v1_stock_state.avsc",
    include_str!("../schemas/inventory/v1_stock_state.avsc"),
);
/// Balances by item.
pub const INVENTORY_AGGREGATE: SchemaFile = SchemaFile::of_topic(
    topics::AGGREGATES,
    "inventory/v1_inventory_aggregate.avsc",
    include_str!("../schemas/inventory/v1_inventory_aggregate.avsc"),
);

const fn catalogue_event(environment: Environment) -> SchemaFile {
    SchemaFile::of_topic(
        environment.events_topic(),
        "inventory/v1_catalogue_event.json",
        include_str!("../schemas/inventory/v1_catalogue_event.json"),
    )
}

const fn stock_change(topic: &'static str) -> SchemaFile {
    SchemaFile::of_topic(
        topic,
        "warehouse/v1_stock_change.json",
        include_str!("../schemas/warehouse/v1_stock_change.json"),
    )
}

/// All contracts, older versions first. A file that several topics share has a line for each.
pub const FILES: &[SchemaFile] = &[
    SchemaFile {
        path: "stock/v1_stock_item.avsc",
        subject: Subject::Record("com.inventory.stock.StockItem"),
        text: include_str!("../schemas/stock/v1_stock_item.avsc"),
    },
    SchemaFile {
        path: "stock/v2_stock_item.avsc",
        subject: Subject::Record("com.inventory.stock.StockItem"),
        text: include_str!("../schemas/stock/v2_stock_item.avsc"),
    },
    SchemaFile::of_topic(
        topics::STOCK_EVENTS,
        "stock/v1_stock_updated_event.avsc",
        include_str!("../schemas/stock/v1_stock_updated_event.avsc"),
    ),
    STOCK_UPDATED,
    SchemaFile {
        path: "inventory/v1_inventory_event.avsc",
        subject: Subject::TopicValue(topics::INVENTORY_EVENTS),
        text: include_str!("../schemas/inventory/v1_inventory_event.avsc"),
    },
    STOCK_STATE,
    INVENTORY_AGGREGATE,
    catalogue_event(Environment::Dev),
    catalogue_event(Environment::Sit),
    catalogue_event(Environment::Prod),
    stock_change(topics::WAREHOUSE_UPDATED),
    stock_change(topics::WAREHOUSE_ADJUSTED),
    stock_change(topics::WAREHOUSE_TRANSFERRED),
    stock_change(topics::WAREHOUSE_RESERVED),
    stock_change(topics::WAREHOUSE_RELEASED),
    SchemaFile::of_topic(
        topics::WAREHOUSE_LOW_STOCK,
        "warehouse/v1_low_stock.json",
        include_str!("../schemas/warehouse/v1_low_stock.json"),
    ),
    SchemaFile {
        path: "inventory/v2_inventory_event.avsc",
        subject: Subject::TopicValue(topics::INVENTORY_EVENTS),
        text: include_str!("../schemas/inventory/v2_inventory_event.avsc"),
    },
    SchemaFile {
        path: "stock/v1_stock_command.avsc",
        subject: Subject::TopicValue(topics::STOCK_COMMANDS),
        text: include_str!("../schemas/stock/v1_stock_command.avsc"),
    },
    SchemaFile {
        path: "stock/v1_stock_failure.avsc",
        subject: Subject::TopicValue(topics::STOCK_FAILURES),
        text: include_str!("../schemas/stock/v1_stock_failure.avsc"),
    },
];

/// The newest contract of a topic's values.
pub fn newest(topic: &str) -> Option<&'static SchemaFile> {
    FILES
        .iter()
        .rev()
        .find(|file| matches!(file.subject, Subject::TopicValue(name) if name == topic))
}

/// A contract that is in the registry now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// The file.
    pub path: &'static str,
    /// Its subject.
    pub subject: String,
    /// Its id.
    pub id: u32,
}

/// Registers every contract, so that the registry checks each version against all older ones of
/// its subject. Running it again changes nothing.
pub async fn register_all(registry: &RegistryClient) -> Result<Vec<Registered>, RegistryError> {
    let mut registered = Vec::with_capacity(FILES.len());
    for file in FILES {
        let subject = file.subject();
        let id = registry.register_as(file.format(), &subject, file.text).await?;
        // After the first version, because some registries take a rule only for a subject that
        // exists; the second version is then checked by it.
        registry.set_compatibility(&subject).await?;
        registered.push(Registered {
            path: file.path,
            subject,
            id,
        });
    }
    Ok(registered)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use std::collections::{BTreeMap, BTreeSet};

    use apache_avro::Schema;
    use apache_avro::schema_compatibility::{Compatibility, SchemaCompatibility};

    use super::*;

    fn avro() -> impl Iterator<Item = &'static SchemaFile> {
        FILES.iter().filter(|file| file.format() == SchemaFormat::Avro)
    }

    fn parsed(file: &SchemaFile) -> Schema {
        Schema::parse_str(file.text).unwrap_or_else(|error| panic!("{}: {error}", file.path))
    }

    #[test]
    fn every_file_is_valid_and_in_the_list() {
        for file in FILES {
            match file.format() {
                SchemaFormat::Avro => drop(parsed(file)),
                SchemaFormat::Json => {
                    let schema: serde_json::Value = serde_json::from_str(file.text).unwrap();
                    assert_eq!(
                        schema["$schema"], "http://json-schema.org/draft-07/schema#",
                        "{}",
                        file.path
                    );
                    assert_eq!(schema["type"], "object", "{}", file.path);
                }
            }
        }
        let root = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/schemas"));
        let on_disk: BTreeSet<String> = std::fs::read_dir(root)
            .unwrap()
            .flat_map(|domain| std::fs::read_dir(domain.unwrap().path()).unwrap())
            .map(|file| file.unwrap().path().strip_prefix(root).unwrap().display().to_string())
            .collect();
        let listed: BTreeSet<String> = FILES.iter().map(|file| file.path.to_owned()).collect();
        assert_eq!(on_disk, listed);
    }

    #[test]
    fn a_topic_has_one_schema_of_each_version() {
        let listed: BTreeSet<(String, &str)> = FILES.iter().map(|file| (file.subject(), file.path)).collect();
        assert_eq!(listed.len(), FILES.len());
    }

    #[test]
    fn a_logical_type_belongs_to_the_type_not_to_the_field() {
        for file in avro() {
            let json: serde_json::Value = serde_json::from_str(file.text).unwrap();
            for field in json["fields"].as_array().unwrap() {
                assert!(field.get("logicalType").is_none(), "{}: {field}", file.path);
            }
        }
    }

    #[test]
    fn each_version_reads_everything_older_of_its_subject() {
        let mut subjects: BTreeMap<String, Vec<&SchemaFile>> = BTreeMap::new();
        for file in avro() {
            subjects.entry(file.subject()).or_default().push(file);
        }
        for versions in subjects.values() {
            for (index, reader) in versions.iter().enumerate() {
                for writer in &versions[..index] {
                    let answer = SchemaCompatibility::can_read(&parsed(writer), &parsed(reader)).unwrap();
                    assert_eq!(answer, Compatibility::Full, "{} reads {}", reader.path, writer.path);
                }
            }
        }
        assert_eq!(subjects["com.inventory.stock.StockItem"].len(), 2);
    }

    #[test]
    fn the_item_inside_the_event_is_the_item_of_its_own_file() {
        let json = |path: String| -> serde_json::Value {
            let file = FILES.iter().find(|file| file.path == path).unwrap();
            serde_json::from_str(file.text).unwrap()
        };
        for version in 1..=2 {
            let event = json(format!("stock/v{version}_stock_updated_event.avsc"));
            let embedded = event["fields"]
                .as_array()
                .unwrap()
                .iter()
                .find(|field| field["name"] == "item")
                .unwrap();
            assert_eq!(embedded["type"], json(format!("stock/v{version}_stock_item.avsc")));
        }
    }
}
