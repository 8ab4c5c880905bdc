//! Part g: what it takes to read a balance, one of the past, and the history of a level, when the ledger is long.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Statement};
use uuid::Uuid;

use super::super::figures::{Latencies, Series, ratio};
use super::super::report::{Comparison, Contender, Goal, Part, Unit};
use super::contest::Pace;
use super::fill::{self, History};
use super::server::{Database, Server};

const BARE: &str = "bare select by primary key";
const LEVEL: &str = "api.get_stock_level, one location";

/// The same columns as the function answers with, without what makes them right.
const BARE_QUERY: &str = "select item_id, location_id, on_hand, reserved, available, in_transit, backordered, damaged, incoming, \
    safety_stock, reorder_point, policy, status, version, next_hold_at, last_movement_at \
    from inventory.stock_level where item_id = $1 and location_id = $2";
const LEVEL_QUERY: &str = "select * from api.get_stock_level(sku => $1, location => $2)";

/// Reads that are told and compared with nothing; `q` is what is asked for.
const OTHERS: [(&str, &str); 4] = [
    (
        "api.get_stock_level as of an instant, one location",
        "api.get_stock_level(sku => q.sku, location => q.location, as_of => q.instant)",
    ),
    (
        "api.get_stock_level as of an instant, 10 locations",
        "api.get_stock_level(sku => q.sku, as_of => q.instant)",
    ),
    (
        "api.get_stock_history, 100 newest at one location",
        "api.get_stock_history(sku => q.sku, location => q.location, max_rows => 100)",
    ),
    (
        "api.get_stock_history, 100 newest of an item",
        "api.get_stock_history(sku => q.sku, max_rows => 100)",
    ),
];

/// One connection and what it needs for a read by id.
struct Reader {
    client: Client,
    ids: Vec<Uuid>,
    random: StdRng,
    /// How many months ago every level had a history.
    oldest: f64,
}

/// Which level, and how many months before this one.
struct Question {
    id: Uuid,
    sku: String,
    location: String,
    ago: f64,
}

/// Reads in turns from one connection.
pub(super) async fn run(server: &Server, database: &Database, history: History, pace: Pace) -> Result<Part> {
    let since = Instant::now();
    let mut reader = Reader::open(database, history).await?;
    // As the product does it every month: questions about the past begin at the balances of the month before.
    reader
        .client
        .execute("select from api.close_finished_months()", &[])
        .await?;
    reader
        .client
        .batch_execute("vacuum (analyze) inventory.closing_balance")
        .await?;
    server.checkpoint().await?;
    let mut part = Part::new("g", format!("reads at {} movements, one connection", history.movements));
    let closed = since.elapsed().as_secs_f64();
    part.notes.push(format!(
        "{} months were closed before, in {closed:.1} s",
        history.months
    ));
    balances(&mut reader, &mut part, pace).await?;
    let mut statements = Vec::new();
    for (name, function) in OTHERS {
        let query = format!(
            "select f.* from (select $1::text as sku, $2::text as location, date_trunc('month', now()) - $3 * interval '30 days' as instant) as q \
             cross join lateral {function} as f"
        );
        statements.push((name, reader.client.prepare(&query).await?));
    }
    let mut rounds = vec![(Vec::new(), Vec::new()); statements.len()];
    // The first round fills caches and plans and does not count.
    for round in 0..=pace.rounds {
        for ((_, statement), (middle, slow)) in statements.iter().zip(&mut rounds) {
            let latencies = reader.run(statement, pace.length / 4).await?;
            if round > 0 {
                middle.push(latencies.quantile(0.5));
                slow.push(latencies.quantile(0.99));
            }
        }
    }
    for ((name, _), (middle, slow)) in statements.iter().zip(rounds) {
        part.contenders.push(latency(name, "p50", middle)?);
        part.contenders.push(latency(name, "p99", slow)?);
    }
    Ok(part)
}

/// A balance by the function and by a bare select: call by call in turns, each about the same row.
async fn balances(reader: &mut Reader, part: &mut Part, pace: Pace) -> Result<()> {
    let bare = reader.client.prepare(BARE_QUERY).await?;
    let level = reader.client.prepare(LEVEL_QUERY).await?;
    let mut rounds = [const { (Vec::new(), Vec::new()) }; 2];
    // The first round fills caches and plans and does not count.
    for round in 0..=pace.rounds {
        let (mut bare_times, mut level_times) = (Latencies::new()?, Latencies::new()?);
        let since = Instant::now();
        let mut bare_first = true;
        while since.elapsed() < pace.length {
            let question = reader.question();
            // Whoever comes second finds the pages of the row in the processor's cache.
            for bare_now in [bare_first, !bare_first] {
                if bare_now {
                    let by: [&(dyn ToSql + Sync); 2] = [&question.id, &question.location];
                    bare_times.add(reader.timed(&bare, &by).await?);
                } else {
                    let by: [&(dyn ToSql + Sync); 2] = [&question.sku, &question.location];
                    level_times.add(reader.timed(&level, &by).await?);
                }
            }
            bare_first = !bare_first;
        }
        if round > 0 {
            for (times, (middle, slow)) in [bare_times, level_times].iter().zip(&mut rounds) {
                middle.push(times.quantile(0.5));
                slow.push(times.quantile(0.99));
            }
        }
    }
    for (name, (middle, slow)) in [BARE, LEVEL].into_iter().zip(rounds) {
        part.contenders.push(latency(name, "p50", middle)?);
        part.contenders.push(latency(name, "p99", slow)?);
    }
    let median = |name: &str| part.median(&format!("{name}, p50"));
    let times = median(LEVEL)
        .zip(median(BARE))
        .and_then(|(level, bare)| ratio(level, bare));
    part.comparisons.push(Comparison::with_goal(
        format!("{LEVEL} / {BARE}, p50"),
        times,
        Goal::AtMost(1.5),
    ));
    Ok(())
}

fn latency(name: &str, quantile: &str, rounds: Vec<f64>) -> Result<Contender> {
    Ok(Contender {
        name: format!("{name}, {quantile}"),
        unit: Unit::Latency,
        series: Series::new(rounds).context("there was no round")?,
    })
}

impl Reader {
    async fn open(database: &Database, history: History) -> Result<Self> {
        let client = database.session().await?;
        let rows = client.query("select id from inventory.item order by sku", &[]).await?;
        let ids = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
        Ok(Self {
            client,
            ids,
            random: StdRng::from_os_rng(),
            // Each level has its first movement in the first round of the history. A history without a whole round has levels
            // that were not there yet, and the answer about them is empty.
            oldest: f64::from(history.months) * (1.0 - f64::from(fill::LEVELS) / f64::from(history.movements)).max(0.1),
        })
    }

    /// About a random level, and an instant in the months that have a history.
    fn question(&mut self) -> Question {
        let level = self.random.random_range(0..fill::LEVELS);
        let (sku, location) = fill::key(level);
        let item = usize::try_from(level / fill::PLACES).unwrap_or(0);
        Question {
            id: self.ids.get(item).copied().unwrap_or_default(),
            sku,
            location,
            ago: self.random.random_range(0.0..self.oldest),
        }
    }

    async fn timed(&self, statement: &Statement, by: &[&(dyn ToSql + Sync)]) -> Result<Duration> {
        let since = Instant::now();
        self.client.query(statement, by).await?;
        Ok(since.elapsed())
    }

    async fn run(&mut self, statement: &Statement, length: Duration) -> Result<Latencies> {
        let mut latencies = Latencies::new()?;
        let since = Instant::now();
        while since.elapsed() < length {
            let Question { sku, location, ago, .. } = self.question();
            latencies.add(self.timed(statement, &[&sku, &location, &ago]).await?);
        }
        Ok(latencies)
    }
}
