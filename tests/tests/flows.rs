//! Flows through the real parts: Postgres, Debezium, Kafka, the consumers, Redis, Elasticsearch and the HTTP interface.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, missing_docs)]

mod flows {
    mod bad_input;
    mod cache_races;
    mod capture;
    mod dead_letters;
    mod evolution;
    mod idempotency;
    mod import;
    mod ingest;
    mod own_writes;
    mod poison;
    mod poison_apart;
    mod read_models;
    mod reservations;
    mod stack_commands;
    mod traces;
}
