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
