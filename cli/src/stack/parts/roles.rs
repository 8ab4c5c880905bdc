//! The roles of the product itself: this very program under other subcommands.

use std::ffi::OsString;
use std::time::Duration;

use anyhow::Result;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use nix::sys::signal::Signal;

use crate::stack::part::{Launch, Part};
use crate::stack::{Stack, probe};

const START_DEADLINE: Duration = Duration::from_secs(60);
/// Longer than the roles' own shutdown deadline, so that force is the exception.
const STOP_DEADLINE: Duration = Duration::from_secs(40);

/// Setting of the alerts role that says which Alertmanager it tells.
const ALERTMANAGER_URLS: &str = "ONHAND_ALERTS__ALERTMANAGER_URLS";

pub(super) const CACHE: Part = Part {
    name: "cache",
    needs: &["migrate", "topics", "registry", "redis"],
    ports: |stack| vec![stack.ports().cache_metrics()],
    prepare: |stack| stack.owner.make_dir(&stack.layout.data("cache"), 0o750),
    launch: |stack| Ok(consumer(stack, "cache", stack.ports().cache_metrics())),
    probe: |stack| {
        let (client, port) = (stack.http.clone(), stack.ports().cache_metrics());
        ready(client, port)
    },
    start_deadline: START_DEADLINE,
    stop_signal: Signal::SIGTERM,
    stop_deadline: STOP_DEADLINE,
    stop_wave: 0,
    stands_back: false,
};

pub(super) const SEARCH: Part = Part {
    name: "search",
    needs: &["migrate", "topics", "registry", "elasticsearch"],
    ports: |stack| vec![stack.ports().search_metrics()],
    prepare: |stack| stack.owner.make_dir(&stack.layout.data("search"), 0o750),
    launch: |stack| Ok(consumer(stack, "search", stack.ports().search_metrics())),
    probe: |stack| {
        let (client, port) = (stack.http.clone(), stack.ports().search_metrics());
        ready(client, port)
    },
    start_deadline: START_DEADLINE,
    stop_signal: Signal::SIGTERM,
    stop_deadline: STOP_DEADLINE,
    stop_wave: 0,
    stands_back: true,
};

pub(super) const PUBLISH: Part = Part {
    name: "publish",
    needs: &["migrate", "topics", "schemas"],
    ports: |stack| vec![stack.ports().publish_metrics()],
    prepare: |stack| stack.owner.make_dir(&stack.layout.data("publish"), 0o750),
    launch: |stack| Ok(consumer(stack, "publish", stack.ports().publish_metrics())),
    probe: |stack| {
        let (client, port) = (stack.http.clone(), stack.ports().publish_metrics());
        ready(client, port)
    },
    start_deadline: START_DEADLINE,
    stop_signal: Signal::SIGTERM,
    stop_deadline: STOP_DEADLINE,
    stop_wave: 0,
    stands_back: true,
};

pub(super) const INGEST: Part = Part {
    name: "ingest",
    needs: &["migrate", "topics", "schemas"],
    ports: |stack| vec![stack.ports().ingest_metrics()],
    prepare: |stack| stack.owner.make_dir(&stack.layout.data("ingest"), 0o750),
    launch: |stack| Ok(consumer(stack, "ingest", stack.ports().ingest_metrics())),
    probe: |stack| {
        let (client, port) = (stack.http.clone(), stack.ports().ingest_metrics());
        ready(client, port)
    },
    start_deadline: START_DEADLINE,
    stop_signal: Signal::SIGTERM,
    stop_deadline: STOP_DEADLINE,
    stop_wave: 0,
    stands_back: false,
};

pub(crate) const ALERTS: Part = Part {
    name: "alerts",
    needs: &["migrate", "topics", "registry"],
    ports: |stack| vec![stack.ports().alerts_metrics()],
    prepare: |stack| stack.owner.make_dir(&stack.layout.data("alerts"), 0o750),
    launch: |stack| {
        let launch = consumer(stack, "alerts", stack.ports().alerts_metrics());
        Ok(if stack.observed {
            launch.env(ALERTMANAGER_URLS, alertmanager_urls(stack))
        } else {
            launch
        })
    },
    probe: |stack| {
        let (client, port) = (stack.http.clone(), stack.ports().alerts_metrics());
        ready(client, port)
    },
    start_deadline: START_DEADLINE,
    stop_signal: Signal::SIGTERM,
    stop_deadline: STOP_DEADLINE,
    stop_wave: 0,
    stands_back: false,
};

pub(super) const API: Part = Part {
    name: "api",
    needs: &["migrate", "redis", "elasticsearch"],
    ports: |stack| vec![stack.ports().api(), stack.ports().api_metrics()],
    prepare: |stack| stack.owner.make_dir(&stack.layout.data("api"), 0o750),
    launch: |stack| {
        Ok(role(stack, &["api"])
            .env("ONHAND_API__LISTEN", format!("127.0.0.1:{}", stack.ports().api()))
            .env(
                "ONHAND_API__METRICS_LISTEN",
                format!("127.0.0.1:{}", stack.ports().api_metrics()),
            ))
    },
    probe: |stack| {
        let (client, port) = (stack.http.clone(), stack.ports().api());
        ready(client, port)
    },
    start_deadline: START_DEADLINE,
    stop_signal: Signal::SIGTERM,
    stop_deadline: STOP_DEADLINE,
    stop_wave: 0,
    stands_back: false,
};

/// Compares the read models with Postgres, and repairs what differs.
pub(super) const VERIFY: Part = Part {
    name: "verify",
    needs: &["migrate", "kafka", "redis", "elasticsearch"],
    ports: |stack| vec![stack.ports().verify_metrics()],
    prepare: |stack| stack.owner.make_dir(&stack.layout.data("verify"), 0o750),
    launch: |stack| {
        let port = stack.ports().verify_metrics();
        Ok(role(stack, &["verify", "--continuous"])
            .env("ONHAND_VERIFY__METRICS_LISTEN", format!("127.0.0.1:{port}"))
            // A local stack is small: what somebody breaks by hand is mended while he looks.
            .env("ONHAND_VERIFY__INTERVAL_MS", "15000"))
    },
    probe: |stack| {
        let (client, port) = (stack.http.clone(), stack.ports().verify_metrics());
        ready(client, port)
    },
    start_deadline: START_DEADLINE,
    stop_signal: Signal::SIGTERM,
    stop_deadline: STOP_DEADLINE,
    stop_wave: 0,
    stands_back: true,
};

/// Restarts the connector when it has failed; Kafka Connect leaves that to others.
pub(super) const WATCH: Part = Part {
    name: "watch",
    needs: &["connector"],
    ports: |_| Vec::new(),
    prepare: |stack| stack.owner.make_dir(&stack.layout.data("watch"), 0o750),
    launch: |stack| Ok(role(stack, &["connect", "watch"])),
    // It has nothing to get ready; that the process lives is watched for every part.
    probe: |_| async { Ok(()) }.boxed(),
    start_deadline: START_DEADLINE,
    stop_signal: Signal::SIGTERM,
    stop_deadline: STOP_DEADLINE,
    stop_wave: 0,
    stands_back: false,
};

fn alertmanager_urls(stack: &Stack) -> String {
    format!("[\"{}\"]", stack.alertmanager_url())
}

/// What the environment of the alerts role holds if it tells the stack's own Alertmanager.
pub(crate) fn alertmanager_setting(stack: &Stack) -> String {
    format!("{ALERTMANAGER_URLS}={}", alertmanager_urls(stack))
}

fn ready(client: reqwest::Client, port: u16) -> BoxFuture<'static, Result<()>> {
    async move {
        probe::http(&client, &format!("http://127.0.0.1:{port}/ready"))
            .await
            .map(drop)
    }
    .boxed()
}

fn consumer(stack: &Stack, sink: &str, port: u16) -> Launch {
    role(stack, &["consume", sink])
        .env("ONHAND_RUNTIME__METRICS_LISTEN", format!("127.0.0.1:{port}"))
        // A static member takes its partitions back at once after a crash; another would wait for the session to time out.
        .env("ONHAND_RUNTIME__GROUP_INSTANCE_ID", format!("{sink}-0"))
}

fn role(stack: &Stack, args: &[&str]) -> Launch {
    let launch = Launch::new(stack.binary())
        .args(args.iter().map(OsString::from))
        .env("ONHAND_LOG", "text");
    // The standard variables of traces say where spans go, and are nothing of ours.
    let traces = std::env::vars().filter(|(name, _)| name.starts_with("OTEL_"));
    let launch = traces.fold(launch, |launch, (name, value)| launch.env(&name, value));
    stack
        .settings()
        .into_iter()
        .fold(launch, |launch, (name, value)| launch.env(name, value))
}
