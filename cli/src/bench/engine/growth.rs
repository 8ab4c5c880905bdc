//! Part e: whether a command costs more when the ledger is long.

use std::fmt;

use anyhow::Result;

use super::super::figures::ratio;
use super::super::report::{Comparison, Goal, Part};
use super::contest::{self, Pace};
use super::fill::History;
use super::load::{Load, Rows, Write};
use super::server::{Database, Server};
use super::throughput::{self, MANY, calls};

/// A database and how many movements it began with.
#[derive(Clone, Copy)]
pub(super) struct Grown<'a> {
    pub(super) database: &'a Database,
    pub(super) movements: u32,
    /// What tells it from the other one, also where both have the same number.
    length: &'static str,
}

impl<'a> Grown<'a> {
    /// A database with a short history and one with a long one.
    pub(super) fn both(few: (&'a Database, History), many: (&'a Database, History)) -> [Self; 2] {
        [(few, "short"), (many, "long")].map(|((database, history), length)| Self {
            database,
            movements: history.movements,
            length,
        })
    }
}

impl fmt::Display for Grown<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ledger of {}", self.length, self.movements)
    }
}

/// The same loads on both databases in turns.
pub(super) async fn run(server: &Server, [few, many]: [Grown<'_>; 2], pace: Pace) -> Result<Part> {
    let writes = [
        (
            "api.reserve_stock, 16 clients".to_owned(),
            Write::OneCommand,
            Rows::Spread,
            MANY,
        ),
        of_calls(Rows::Spread, "spread rows"),
        of_calls(Rows::Hot, "one row"),
    ];
    let name = |write: &str, grown: &Grown<'_>| format!("{write}, {grown}");
    let mut loads = Vec::new();
    for (write, kind, rows, clients) in &writes {
        for grown in [&few, &many] {
            let name = name(write, grown);
            loads.push(Load::open(name, grown.database, (*kind, *rows), *clients).await?);
        }
    }
    let mut part = Part::new("e", "cost of a command as the ledger grows");
    part.contenders = contest::run(server, &loads, pace).await?;
    part.comparisons = writes
        .iter()
        .map(|(write, ..)| {
            // The cost is the inverse of the rate.
            let (of, against) = (part.median(&name(write, &many)), part.median(&name(write, &few)));
            let cost = of.zip(against).and_then(|(many, few)| ratio(few, many));
            Comparison::with_goal(
                format!("cost with a {many} / with a {few}: {write}"),
                cost,
                Goal::AtMost(1.1),
            )
        })
        .collect();
    Ok(part)
}

fn of_calls(rows: Rows, which: &str) -> (String, Write, Rows, usize) {
    (
        format!("{}, {which}", calls(100, rows)),
        Write::Calls(100),
        rows,
        throughput::callers(rows),
    )
}
