//! Alertmanager: groups alerts and says who is told. Started by `up --observe` only.

use std::time::Duration;

use anyhow::{Context, Result};
use futures_util::FutureExt;
use nix::sys::signal::Signal;

use super::observer;
use crate::stack::part::{Launch, Part};
use crate::stack::{Stack, probe};

const NAME: &str = "alertmanager";
const CONFIG: &str = include_str!("../../../../deploy/observe/alertmanager.yml");
/// Where the secrets of the receivers are on a cluster and in a container.
const SECRETS: &str = "/etc/alertmanager/secrets/alertmanager-receivers";
const SECRET_FILES: [&str; 2] = ["slack-url", "pagerduty-key"];
const RECEIVERS: &str = "\nreceivers:\n";

pub(super) const PART: Part = Part {
    name: NAME,
    needs: &[],
    ports: |stack| vec![stack.ports().alertmanager()],
    prepare,
    launch,
    probe: |stack| {
        async move {
            let url = format!("http://127.0.0.1:{}/-/ready", stack.ports().alertmanager());
            probe::http(&stack.http, &url).await.map(drop)
        }
        .boxed()
    },
    start_deadline: Duration::from_secs(60),
    stop_signal: Signal::SIGTERM,
    stop_deadline: Duration::from_secs(20),
    stop_wave: 1,
    stands_back: false,
};

fn prepare(stack: &Stack) -> Result<()> {
    let etc = observer::folder(stack);
    let secrets = etc.join("receivers");
    for folder in [&etc, &secrets, &stack.layout.data(NAME)] {
        stack.owner.make_dir(folder, 0o750)?;
    }
    let there = SECRET_FILES.iter().all(|name| secrets.join(name).is_file());
    let text = if there {
        CONFIG.replace(SECRETS, &secrets.display().to_string())
    } else {
        mute(CONFIG)?
    };
    stack.owner.write(&etc.join("alertmanager.yml"), &text, 0o644)
}

/// The same routes with receivers that tell nobody: without their secrets they could only fail.
fn mute(config: &str) -> Result<String> {
    let (routes, receivers) = config
        .split_once(RECEIVERS)
        .context("the Alertmanager configuration has no receivers")?;
    let names = receivers.lines().filter(|line| line.starts_with("  - name:"));
    let names: String = names.map(|line| format!("{line}\n")).collect();
    Ok(format!("{routes}{RECEIVERS}{names}"))
}

fn launch(stack: &Stack) -> Result<Launch> {
    // Debian's name comes first: there is another program that is called alertmanager.
    Ok(
        Launch::new(observer::program(&["prometheus-alertmanager", "alertmanager"])?)
            .arg(format!(
                "--config.file={}",
                observer::folder(stack).join("alertmanager.yml").display()
            ))
            .arg(format!("--storage.path={}", stack.layout.data(NAME).display()))
            .arg(format!(
                "--web.listen-address=127.0.0.1:{}",
                stack.ports().alertmanager()
            ))
            // One member needs no port for others.
            .arg("--cluster.listen-address="),
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn without_secrets_the_routes_stay_and_nobody_is_told() {
        let text = mute(CONFIG).unwrap();
        assert!(text.contains("group_by:") && text.contains("  - name: "));
        assert!(!text.contains("slack_configs") && !text.contains("pagerduty_configs"));
    }

    #[test]
    fn the_secrets_are_where_the_configuration_looks() {
        for name in SECRET_FILES {
            assert!(CONFIG.contains(&format!("{SECRETS}/{name}")), "{name}");
        }
    }
}
