//! Contenders measured in turns (A B A B A B), so that whatever else the machine does falls on all of them alike.

use std::time::Duration;

use anyhow::{Context, Result};

use super::super::figures::Series;
use super::super::progress;
use super::super::report::{Contender, Unit};
use super::load::Load;
use super::server::Server;

/// How often each contender has its turn, and for how long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// Turns of each.
    pub(super) rounds: u16,
    /// Length of a turn.
    pub(super) length: Duration,
}

impl Pace {
    /// Before the turns that count: caches and plans are filled.
    pub(super) fn warm_up(self) -> Duration {
        (self.length / 4).min(Duration::from_secs(1))
    }
}

/// Runs the contenders in turns.
pub(super) async fn run(server: &Server, loads: &[Load], pace: Pace) -> Result<Vec<Contender>> {
    server.checkpoint().await?;
    for load in loads {
        load.run(pace.warm_up()).await?;
    }
    let mut rounds: Vec<Vec<f64>> = vec![Vec::new(); loads.len()];
    for round in 1..=pace.rounds {
        progress(format_args!(
            "round {round} of {}, {} contenders",
            pace.rounds,
            loads.len()
        ));
        for (load, rates) in loads.iter().zip(&mut rounds) {
            server.spare_slots().await?;
            rates.push(load.run(pace.length).await?);
        }
    }
    loads
        .iter()
        .zip(rounds)
        .map(|(load, rates)| contender(&load.name, rates))
        .collect()
}

/// What a load reached.
pub(super) fn contender(name: &str, rates: Vec<f64>) -> Result<Contender> {
    Ok(Contender {
        name: name.to_owned(),
        unit: Unit::Rate,
        series: Series::new(rates).context("there was no round")?,
    })
}
