//! Roles that work for the stack and for nothing else: what they write are the ledger, the public events and the states of alerts, under
//! names that no setting changes. So it is the stack's own processes that are measured: started anew, first with nothing to do, then
//! with a backlog of deliveries to the shop of the benchmark, which came from Kafka while they were away.

use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use onhand_cdc::backlog::Backlog;
use onhand_cdc::{Table, topics};
use onhand_consumers::SinkKind;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::time::sleep;

use super::super::super::progress;
use super::super::inbound::{self, Delivery};
use super::super::kafka::{self, StopFlag};
use super::super::process::{self, Memory};
use super::super::running::patience;
use super::super::shop::{LOCATIONS, Shop};
use super::super::site::Site;
use super::super::up;
use crate::demo::popularity::Popularity;
use crate::stack;

/// The roles, in the order in which a delivery goes through them.
pub(super) const ROLES: [SinkKind; 3] = [SinkKind::Ingest, SinkKind::Publish, SinkKind::Alerts];
/// The same deliveries in every run.
const SEED: u64 = 20_260_103;
/// Between two looks.
const LOOK: Duration = Duration::from_millis(500);

/// Megabytes of one role.
pub(super) struct Sizes {
    pub(super) role: SinkKind,
    /// With nothing to do, of each start.
    pub(super) idle: Vec<f64>,
    /// The most while it worked off the backlog.
    pub(super) peak: f64,
}

/// Each role idle, started anew each time, and with a backlog of so many deliveries. None if they do not run here.
pub(super) async fn run(
    site: &Site,
    shop: &Shop,
    deliveries: u32,
    (rounds, settle): (u16, Duration),
) -> Result<Option<Vec<Sizes>>> {
    for role in ROLES {
        if stack::part_pid(role.name())?.is_none() {
            return Ok(None);
        }
    }
    let mut sizes: Vec<Sizes> = ROLES
        .into_iter()
        .map(|role| Sizes {
            role,
            idle: Vec::new(),
            peak: 0.0,
        })
        .collect();
    let away = Away;
    for _ in 0..rounds {
        kill()?;
        up::run(&ROLES.map(SinkKind::name)).await?;
        sleep(settle).await;
        for one in &mut sizes {
            one.idle.push(memory(one.role)?.resident);
        }
    }
    kill()?;
    let written = ledger_end(site).await?;
    send(site, shop, deliveries).await?;
    for one in &mut sizes {
        up::run(&[one.role.name()]).await?;
        one.peak = work_off(site, one.role, deliveries).await?;
        if one.role == SinkKind::Ingest {
            captured(site, written, deliveries).await?;
        }
    }
    drop(away);
    Ok(Some(sizes))
}

fn kill() -> Result<()> {
    ROLES.iter().try_for_each(|role| stack::kill_part(role.name()))
}

fn memory(role: SinkKind) -> Result<Memory> {
    let pid = stack::part_pid(role.name())?;
    pid.and_then(process::memory)
        .with_context(|| format!("{} has ended by itself", role.name()))
}

/// Puts the roles back, whatever becomes of the run.
struct Away;

impl Drop for Away {
    fn drop(&mut self) {
        let running = |role: &SinkKind| matches!(stack::part_pid(role.name()), Ok(Some(_)));
        if ROLES.iter().all(running) {
            return;
        }
        let up = std::env::current_exe().and_then(|program| {
            std::process::Command::new(program)
                .arg("up")
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
        });
        if !up.is_ok_and(|status| status.success()) {
            progress("the stack is not complete; `onhand up` starts what is missing");
        }
    }
}

/// Sends the deliveries while nobody takes them.
async fn send(site: &Site, shop: &Shop, count: u32) -> Result<()> {
    let (config, items) = (site.settings.kafka.clone(), shop.items.clone());
    let (flag, stop) = StopFlag::new();
    kafka::blocking(move || {
        let popularity = Popularity::new(items.len());
        let mut random = StdRng::seed_from_u64(SEED);
        let deliveries = (0..count).filter_map(|_| {
            let (sku, _) = items.get(popularity.next(&mut random))?;
            let location = *LOCATIONS.get(random.random_range(0..LOCATIONS.len()))?;
            Some(Delivery {
                sku: sku.clone(),
                location,
            })
        });
        inbound::send(&config, deliveries, &stop)
    })
    .await?;
    drop(flag);
    Ok(())
}

/// Waits until a role has settled everything that there is for it, and answers the most memory that it had.
async fn work_off(site: &Site, role: SinkKind, records: u32) -> Result<f64> {
    let since = Instant::now();
    let pid = stack::part_pid(role.name())?;
    let (config, topics) = (
        site.settings.kafka.clone(),
        role.topics(&site.settings.runtime.topic_prefix),
    );
    let backlog = kafka::blocking(move || Ok(Arc::new(Backlog::note(&config, role.group(), &topics)?))).await?;
    loop {
        if stack::part_pid(role.name())? != pid {
            bail!("{} did not live to the end of its backlog", role.name());
        }
        let noted = Arc::clone(&backlog);
        let left = kafka::blocking(move || Ok(noted.left()?)).await?;
        let peak = memory(role)?.peak;
        if left == 0 {
            let seconds = since.elapsed().as_secs_f64();
            progress(format_args!(
                "{} has worked off its backlog after {seconds:.1} s: {peak:.1} MB",
                role.name()
            ));
            return Ok(peak);
        }
        if since.elapsed() > patience(records) {
            bail!("{} has not settled the last {left} records of its backlog", role.name());
        }
        sleep(LOOK).await;
    }
}

/// Sum of the offsets behind the last movements.
async fn ledger_end(site: &Site) -> Result<i64> {
    let config = site.settings.kafka.clone();
    let topic = format!("{}.{}", site.settings.runtime.topic_prefix, Table::StockMovement.name());
    let standing = kafka::blocking(move || kafka::standing(&config, topics::GROUP_PUBLISH, &[topic])).await?;
    Ok(standing.end)
}

/// Waits until the connector has brought all deliveries to Kafka: before that, the others would have no backlog.
async fn captured(site: &Site, before: i64, deliveries: u32) -> Result<()> {
    let since = Instant::now();
    while ledger_end(site).await? < before.saturating_add(i64::from(deliveries)) {
        if since.elapsed() > patience(deliveries) {
            bail!("the connector has not brought all movements to Kafka; see `onhand doctor`");
        }
        sleep(LOOK).await;
    }
    Ok(())
}
