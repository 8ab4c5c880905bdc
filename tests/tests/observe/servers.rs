//! A Prometheus and an Alertmanager of a test's own, with the rules and routes of the product and short times.

use super::{ROLES, port};
use axum::extract::{Path as Route, State};
use axum::{Json, Router, routing::post};
use onhand_tests::stack::eventually;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

/// Where the two listen; the stack has neither.
const PROMETHEUS: u16 = 290;
const ALERTMANAGER: u16 = 293;

/// Both servers, and what was told to whom. Everything ends with it.
pub(crate) struct Servers {
    folder: PathBuf,
    processes: Vec<Child>,
    told: Told,
}

/// Alerts as they came, with the receiver that they came to.
type Told = Arc<Mutex<Vec<(String, Value)>>>;

impl Servers {
    pub(crate) async fn start() -> Self {
        let folder = std::env::temp_dir().join(format!("onhand-observe-{}", std::process::id()));
        for name in ["rules", "targets"] {
            std::fs::create_dir_all(folder.join(name)).unwrap();
        }
        let told = Told::default();
        let mut servers = Self {
            folder,
            processes: Vec::new(),
            told: Arc::clone(&told),
        };
        servers.write(receive(told).await);
        servers.spawn(
            "prometheus-alertmanager",
            &[
                "--config.file=alertmanager.yml".to_owned(),
                "--storage.path=alertmanager".to_owned(),
                format!("--web.listen-address=127.0.0.1:{}", port(ALERTMANAGER)),
                "--cluster.listen-address=".to_owned(),
            ],
        );
        servers.spawn(
            "prometheus",
            &[
                "--config.file=prometheus.yml".to_owned(),
                "--storage.tsdb.path=prometheus".to_owned(),
                format!("--web.listen-address=127.0.0.1:{}", port(PROMETHEUS)),
            ],
        );
        for base in [servers.prometheus(), servers.alertmanager()] {
            eventually("the server is ready", || async {
                let answer = reqwest::get(format!("{base}/-/ready")).await?;
                Ok(answer.status().is_success())
            })
            .await
            .unwrap();
        }
        servers
    }

    pub(crate) fn prometheus(&self) -> String {
        format!("http://127.0.0.1:{}", port(PROMETHEUS))
    }

    pub(crate) fn alertmanager(&self) -> String {
        format!("http://127.0.0.1:{}", port(ALERTMANAGER))
    }

    /// Alerts that a receiver was told of and that are like this.
    pub(crate) fn told(&self, receiver: &str, name: &str, status: &str) -> Vec<Value> {
        let told = self.told.lock().unwrap();
        told.iter()
            .filter(|(to, alert)| to == receiver && alert["labels"]["alertname"] == name && alert["status"] == status)
            .map(|(_, alert)| alert.clone())
            .collect()
    }

    /// The product's files; only times, addresses and receivers are others.
    fn write(&self, receiver: u16) {
        let read = |name: &str| onhand_deploy::tools::read(&format!("deploy/observe/{name}")).unwrap();
        let put = |name: &str, text: String| std::fs::write(self.folder.join(name), text).unwrap();
        let quick = |text: String| {
            let lines = text.lines().filter(|line| !line.trim_start().starts_with("for:"));
            let lines = lines.map(|line| match line.split_once(':') {
                Some((name, _)) if name.ends_with("interval") && !name.contains("repeat") => format!("{name}: 1s\n"),
                Some((name, _)) if name.ends_with("scrape_timeout") || name.ends_with("group_wait") => {
                    format!("{name}: 1s\n")
                }
                _ => format!("{line}\n"),
            });
            lines.collect::<String>()
        };
        put("prometheus.yml", quick(read("prometheus.yml")));
        put("rules/onhand.yml", quick(read("rules.yml")));
        let roles = ROLES.map(
            |(role, offset)| json!({"targets": [format!("127.0.0.1:{}", port(offset))], "labels": {"role": role}}),
        );
        put("targets/onhand.json", json!(roles).to_string());
        let alertmanager = json!([{"targets": [format!("127.0.0.1:{}", port(ALERTMANAGER))]}]);
        put("targets/alertmanager.json", alertmanager.to_string());
        let config = quick(read("alertmanager.yml"));
        let (routes, receivers) = config.split_once("\nreceivers:\n").unwrap();
        let receivers: String = receivers
            .lines()
            .filter_map(|line| line.strip_prefix("  - name: "))
            .map(|name| {
                format!("  - name: {name}\n    webhook_configs:\n      - url: http://127.0.0.1:{receiver}/{name}\n")
            })
            .collect();
        put("alertmanager.yml", format!("{routes}\nreceivers:\n{receivers}"));
    }

    fn spawn(&mut self, program: &str, arguments: &[String]) {
        let log = std::fs::File::create(self.folder.join(format!("{program}.log"))).unwrap();
        let child = Command::new(program)
            .args(arguments)
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{program}: {error}"));
        self.processes.push(child);
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        for process in &mut self.processes {
            let _ = process.kill();
            let _ = process.wait();
        }
        if std::thread::panicking() {
            for name in ["prometheus", "prometheus-alertmanager"] {
                let log = std::fs::read_to_string(self.folder.join(format!("{name}.log"))).unwrap_or_default();
                let lines: Vec<&str> = log.lines().rev().take(15).collect();
                eprintln!("{name}, newest first:\n{}", lines.join("\n"));
            }
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Takes messages of Alertmanager; answers with the port.
async fn receive(told: Told) -> u16 {
    let take = |State(told): State<Told>, Route(receiver): Route<String>, Json(message): Json<Value>| async move {
        let alerts = message["alerts"].as_array().cloned().unwrap_or_default();
        let alerts = alerts.into_iter().map(|alert| (receiver.clone(), alert));
        told.lock().unwrap().extend(alerts);
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let router = Router::new().route("/{receiver}", post(take)).with_state(told);
    tokio::spawn(async move { axum::serve(listener, router).await });
    port
}
