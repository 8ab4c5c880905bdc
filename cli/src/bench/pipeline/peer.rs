//! Events for each second of processor time: the product's consumer against a peer in Python that does the same work.
//!
//! What the peer does, and how it is tuned, stands in `tests/peers/python/README.md`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use onhand_consumers::SinkKind;
use onhand_consumers::cache::APPLY_SCRIPT;
use secrecy::ExposeSecret;
use tokio::process::Command;

use super::super::figures::{self, Series};
use super::super::progress;
use super::super::report::{Comparison, Contender, Part, Unit};
use super::backlog::Backlog;
use super::drain::{self, Store};
use super::flow::Flow;
use super::running::Running;
use super::site::{Place, Site};
use super::{check, kafka, turns};

const PROGRAM: &str = include_str!("../../../../tests/peers/python/consumer.py");
const REQUIREMENTS: &str = include_str!("../../../../tests/peers/python/requirements.txt");
const OURS: &str = "onhand consume cache";
const PEER: &str = "the same in Python";
const TAIL_LINES: usize = 5;
/// Older ones cannot read the times in the records.
const VERSION: &str = "import sys; sys.exit('Python 3.11 or newer is needed' if sys.version_info < (3, 11) else 0)";

/// An installed peer.
struct Peer {
    python: PathBuf,
    program: PathBuf,
    script: PathBuf,
}

impl Peer {
    /// Installs it into an environment of its own, which the next run uses again.
    async fn install(site: &Site) -> Result<Self> {
        let home = site.kept.join("peer-python");
        let (python, mark) = (home.join("bin/python"), home.join("requirements.txt"));
        if fs::read_to_string(&mark).ok().as_deref() != Some(REQUIREMENTS) {
            progress("installing the peer in Python");
            let wanted = site.work.join("requirements.txt");
            fs::write(&wanted, REQUIREMENTS)?;
            carry_out(Command::new("python3").args(["-c", VERSION])).await?;
            let mut venv = Command::new("python3");
            carry_out(venv.args(["-m", "venv", "--clear"]).arg(&home)).await?;
            let mut pip = Command::new(&python);
            pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]);
            carry_out(pip.arg(&wanted)).await?;
            fs::copy(&wanted, &mark)?;
        }
        Ok(Self {
            python,
            program: written(&site.work.join("consumer.py"), PROGRAM)?,
            script: written(&site.work.join("apply.lua"), APPLY_SCRIPT)?,
        })
    }

    fn command(&self, site: &Site, backlog: &Backlog, place: &Place) -> Result<Command> {
        let settings = &site.settings;
        let mut kafka = settings.kafka.security.clone();
        kafka.insert("bootstrap.servers".to_owned(), settings.kafka.brokers.clone());
        let mut command = Command::new(&self.python);
        command
            .arg("-u")
            .arg(&self.program)
            .env("PEER_KAFKA", serde_json::to_string(&kafka)?)
            .env("PEER_TOPIC", &backlog.topic)
            .env("PEER_GROUP", &place.group)
            .env("PEER_REGISTRY", &settings.registry.url)
            .env("PEER_REDIS", settings.redis.url.expose_secret())
            .env("PEER_KEY_PREFIX", &place.redis.key_prefix)
            .env("PEER_SCRIPT", &self.script)
            .env("PEER_BATCH", settings.runtime.batch_max(SinkKind::Cache).to_string())
            .env("PEER_RECORDS", backlog.events.to_string());
        Ok(command)
    }

    /// One draining, from the start of the process until all is settled, committed and right.
    async fn drain(&self, site: &Site, backlog: &Backlog) -> Result<Flow> {
        let place = site.place();
        let mut peer = Running::peer(site, PEER, self.command(site, backlog, &place)?, &place)?;
        let flow = peer.drain(backlog.events).await?;
        kafka::committed(&site.settings.kafka, &place.group, &backlog.topic).await?;
        peer.stop().await?;
        check::redis(site, backlog, &place)?;
        site.empty(&place).await?;
        Ok(flow)
    }
}

fn written(path: &Path, text: &str) -> Result<PathBuf> {
    fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(path.to_owned())
}

async fn carry_out(command: &mut Command) -> Result<()> {
    let shown = format!("{:?}", command.as_std());
    let output = command
        .kill_on_drop(true)
        .output()
        .await
        .with_context(|| format!("{shown} was not started"))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let skipped = lines.len().saturating_sub(TAIL_LINES);
    bail!(
        "{shown} failed: {}",
        lines.into_iter().skip(skipped).collect::<Vec<_>>().join(" / ")
    )
}

/// Product and peer in turns. Where the peer cannot be installed, that is said and nothing is measured.
pub(super) async fn run(site: &Site, backlog: &Backlog, rounds: u16) -> Result<Part> {
    let title = format!("a backlog of {} events into Redis, by processor time", backlog.events);
    let mut part = Part::new("peer", title);
    let peer = match Peer::install(site).await {
        Ok(peer) => peer,
        Err(error) => {
            part.notes
                .push(format!("NOT MEASURED, the peer cannot be installed: {error:#}"));
            return Ok(part);
        }
    };
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for is_ours in turns(rounds) {
        let (name, flows) = if is_ours {
            (OURS, &mut ours)
        } else {
            (PEER, &mut theirs)
        };
        let flow = if is_ours {
            drain::ours(site, Store::Redis, backlog).await?
        } else {
            peer.drain(site, backlog).await?
        };
        progress(format_args!(
            "{name}: {:.0} events/s, {:.0}/CPU-s",
            flow.rate, flow.per_cpu
        ));
        flows.push(flow);
    }
    compare(&mut part, &ours, &theirs)?;
    Ok(part)
}

fn compare(part: &mut Part, ours: &[Flow], theirs: &[Flow]) -> Result<()> {
    for (name, flows) in [(OURS, ours), (PEER, theirs)] {
        let per_cpu = flows.iter().map(|flow| flow.per_cpu).collect();
        part.contenders.push(Contender {
            name: name.to_owned(),
            unit: Unit::EventsPerCpu,
            series: Series::new(per_cpu).context("there was no round")?,
        });
    }
    let ratio = match (part.median(OURS), part.median(PEER)) {
        (Some(ours), Some(theirs)) => figures::ratio(ours, theirs),
        _ => None,
    };
    part.comparisons
        .push(Comparison::plain("events per CPU-second, ours / Python", ratio));
    let ratio = |figure: fn(&Flow) -> f64| {
        let median = |flows: &[Flow]| Series::new(flows.iter().map(figure).collect()).map(|series| series.median());
        let (ours, theirs) = median(ours).zip(median(theirs))?;
        figures::ratio(ours, theirs)
    };
    for (what, ratio) in [
        ("events per second, ours / Python", ratio(|flow| flow.rate)),
        ("most memory, ours / Python", ratio(|flow| flow.peak)),
    ] {
        part.comparisons.push(Comparison::plain(what, ratio));
    }
    part.notes
        .push("both processes alone; Redis and Kafka have the rest of the machine".to_owned());
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use super::*;

    #[test]
    fn processor_time_is_what_is_compared() {
        let flow = |rate, per_cpu, peak| Flow {
            rate,
            per_cpu,
            whole: Duration::ZERO,
            peak,
        };
        let mut part = Part::new("peer", "peer");
        compare(&mut part, &[flow(50.0, 80.0, 30.0)], &[flow(10.0, 16.0, 60.0)]).unwrap();
        let text = part.to_string();
        assert!(text.contains("events per CPU-second, ours / Python: 5.00x"), "{text}");
        assert!(text.contains("events per second, ours / Python: 5.00x"), "{text}");
        assert!(text.contains("most memory, ours / Python: 0.500x"), "{text}");
        assert!(text.contains("events/CPU-s"), "{text}");
    }

    #[test]
    fn the_requirements_are_pinned() {
        let lines: Vec<&str> = REQUIREMENTS.lines().filter(|line| !line.starts_with('#')).collect();
        assert!(
            lines.len() >= 3 && lines.iter().all(|line| line.contains("==")),
            "{lines:?}"
        );
    }

    #[tokio::test]
    async fn what_fails_says_why() {
        let mut command = Command::new("sh");
        let error = carry_out(command.args(["-c", "echo no network >&2; exit 3"]))
            .await
            .unwrap_err();
        assert!(error.to_string().ends_with("failed: no network"), "{error}");
    }
}
