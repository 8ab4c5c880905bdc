//! Onhand, all roles in one binary.

mod bench;
mod capture;
mod commands;
mod connector;
mod demo;
mod dlq;
mod import;
mod settings;
mod stack;

use std::process::ExitCode;

use clap::Parser;
use tikv_jemallocator::Jemalloc;

// In place of the C library's, also for librdkafka: that one keeps a pool for each of a consumer's threads and gives little of them back. How it
// is set stands in .cargo/config.toml.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

#[tokio::main]
async fn main() -> ExitCode {
    match commands::Cli::parse().run().await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
