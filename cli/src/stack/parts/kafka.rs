//! Kafka: one process that is broker and controller (KRaft).

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures_util::FutureExt;
use nix::sys::signal::Signal;
use rand::Rng;

use super::{kafka_jvm, properties};
use crate::stack::part::{Launch, Part};
use crate::stack::{Stack, probe};

const NAME: &str = "kafka";
const HEAP: &str = "768m";

pub(super) const PART: Part = Part {
    name: NAME,
    needs: &[],
    ports: |stack| vec![stack.ports().kafka(), stack.ports().kafka_controller()],
    prepare,
    launch,
    probe: |stack| async move { probe::kafka(stack.brokers()).await }.boxed(),
    start_deadline: Duration::from_secs(120),
    stop_signal: Signal::SIGTERM,
    stop_deadline: Duration::from_secs(30),
    stop_wave: 2,
    stands_back: false,
};

fn prepare(stack: &Stack) -> Result<()> {
    let data = stack.layout.data(NAME);
    stack.owner.make_dir(&data, 0o750)?;
    stack
        .owner
        .write(&stack.layout.etc().join("kafka.properties"), &settings(stack), 0o644)?;
    if !data.join("log/meta.properties").exists() {
        format(stack)?;
    }
    Ok(())
}

fn settings(stack: &Stack) -> String {
    let (broker, controller) = (stack.ports().kafka(), stack.ports().kafka_controller());
    let one = || "1".to_owned();
    properties(&[
        ("process.roles", "broker,controller".to_owned()),
        ("node.id", one()),
        ("controller.quorum.voters", format!("1@127.0.0.1:{controller}")),
        ("controller.listener.names", "CONTROLLER".to_owned()),
        (
            "listeners",
            format!("PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}"),
        ),
        ("advertised.listeners", format!("PLAINTEXT://127.0.0.1:{broker}")),
        (
            "listener.security.protocol.map",
            "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT".to_owned(),
        ),
        ("log.dirs", stack.layout.data(NAME).join("log").display().to_string()),
        // A misspelt topic must fail, not appear.
        ("auto.create.topics.enable", "false".to_owned()),
        ("default.replication.factor", one()),
        ("min.insync.replicas", one()),
        ("offsets.topic.replication.factor", one()),
        ("offsets.topic.num.partitions", "5".to_owned()),
        ("transaction.state.log.replication.factor", one()),
        ("transaction.state.log.min.isr", one()),
        ("transaction.state.log.num.partitions", "5".to_owned()),
        ("share.coordinator.state.topic.replication.factor", one()),
        ("share.coordinator.state.topic.min.isr", one()),
        // A group of one member waits for nobody.
        ("group.initial.rebalance.delay.ms", "0".to_owned()),
        // The cleaner's default buffer is a sixth of the heap.
        ("log.cleaner.dedupe.buffer.size", "33554432".to_owned()),
        ("controlled.shutdown.enable", "false".to_owned()),
        // A broker that was killed may register again when its old registration has lapsed, and not before: with the usual 9 s that is most of
        // what its readers wait for. There is no other broker that a hasty judgement would burden.
        ("broker.session.timeout.ms", "3000".to_owned()),
        ("broker.heartbeat.interval.ms", "500".to_owned()),
    ])
}

/// Writes the cluster id once.
fn format(stack: &Stack) -> Result<()> {
    let config = stack.layout.etc().join("kafka.properties");
    let log = stack.layout.data(NAME).join("log");
    if log.exists() {
        fs::remove_dir_all(&log)?;
    }
    let launch = kafka_jvm(stack, "128m")
        .args(["kafka.tools.StorageTool", "format", "--cluster-id"])
        .arg(cluster_id())
        .arg("--config")
        .arg(config);
    let output = stack
        .owner
        .command(&launch.program)
        .args(&launch.args)
        .output()
        .context("the storage tool could not be run")?;
    if !output.status.success() {
        bail!(
            "the storage tool failed: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(())
}

/// 22 characters of the URL-safe base 64 alphabet that spell 16 bytes: the last one carries two bits only.
fn cluster_id() -> String {
    const LETTERS: &[char] = &[
        'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', 'P',
    ];
    const LAST: &[char] = &['A', 'Q', 'g', 'w'];
    let mut random = rand::rng();
    let mut pick = |from: &[char]| from.get(random.random_range(0..from.len())).copied().unwrap_or('A');
    let mut id: String = (0..21).map(|_| pick(LETTERS)).collect();
    id.push(pick(LAST));
    id
}

fn launch(stack: &Stack) -> Result<Launch> {
    Ok(kafka_jvm(stack, HEAP)
        .arg("kafka.Kafka")
        .arg(stack.layout.etc().join("kafka.properties")))
}
