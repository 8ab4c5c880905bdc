//! `onhand status`: what runs where.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Result, bail};
use comfy_table::{Table, presets};
use futures_util::future::join_all;

use super::layout::Layout;
use super::part::Part;
use super::procfs::Identity;
use super::{Stack, lag, parts, process};

const PROBE_TIMEOUT: Duration = Duration::from_secs(5);

struct Row {
    part: Part,
    main: Option<Identity>,
    processes: Vec<Identity>,
    /// One word for the table.
    state: &'static str,
    /// Why the part is not ready.
    trouble: Option<String>,
}

/// Prints the table; an error if a part is not ready.
pub(crate) async fn status() -> Result<()> {
    let layout = Layout::from_env()?;
    if !layout.state.is_dir() {
        bail!(
            "there is no stack at {} yet; start it with `onhand up`",
            layout.state.display()
        );
    }
    let stack = Arc::new(Stack::open(layout)?);
    let rows = rows(&stack).await;
    print(&stack, &rows);
    print!("{}", lag::report(&stack).await);
    let down: Vec<_> = rows
        .iter()
        .filter(|row| row.trouble.is_some())
        .map(|row| row.part.name)
        .collect();
    if down.is_empty() {
        return Ok(());
    }
    bail!("not ready: {}; `onhand up` starts what is missing", down.join(", "))
}

/// The table and what to try next, at the end of `up`.
pub(super) async fn print_ready(stack: &Arc<Stack>) {
    let rows = rows(stack).await;
    print(stack, &rows);
    let api = format!("http://127.0.0.1:{}", stack.ports().api());
    println!(
        "
Try next:
  eval \"$(./onhand env)\" && psql -c '\\df api.*'       the public SQL functions; select * from api.add_stock(...)
  curl {api}/                             the HTTP interface, with a page to try it
  curl -H 'content-type: application/json' {api}/v1/locations -d '{{\"id\": \"W1\", \"name\": \"Main\"}}'
  curl -H 'content-type: application/json' {api}/v1/items -d '{{\"sku\": \"A-1\", \"name\": \"Anvil\"}}'
  curl -H 'content-type: application/json' {api}/v1/stock/add -d '{{\"sku\": \"A-1\", \"location\": \"W1\", \"quantity\": 10}}'
  curl '{api}/v1/products?q=anvil'        from Elasticsearch, a moment later
  ./onhand doctor                                         checks every hop; ./onhand logs <part> -f shows what it says
  ./onhand up --observe                                   adds Prometheus with its alerts, and Alertmanager
  ./onhand down                                           stops everything; the data stay"
    );
}

async fn rows(stack: &Arc<Stack>) -> Vec<Row> {
    join_all(
        parts::wanted(&stack.layout)
            .into_iter()
            .map(|part| row(part, Arc::clone(stack))),
    )
    .await
}

async fn row(part: Part, stack: Arc<Stack>) -> Row {
    let main = process::recorded(&stack.layout, part.name);
    let processes = process::all(&stack.layout, part.name);
    let (state, trouble) = match (main, processes.is_empty()) {
        (None, true) => ("stopped", Some("does not run".to_owned())),
        (None, false) => ("left-overs", Some("an earlier run left processes behind".to_owned())),
        (Some(_), _) => match tokio::time::timeout(PROBE_TIMEOUT, (part.probe)(stack)).await {
            Ok(Ok(())) => ("ready", None),
            Ok(Err(error)) => ("not ready", Some(format!("{error:#}"))),
            Err(_) => ("not ready", Some("no answer".to_owned())),
        },
    };
    Row {
        part,
        main,
        processes,
        state,
        trouble,
    }
}

fn print(stack: &Stack, rows: &[Row]) {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_header(["PART", "STATE", "PID", "ADDRESS", "MEMORY", "SINCE", "LOG"]);
    for row in rows {
        let address = (row.part.ports)(stack)
            .first()
            .map_or_else(|| "-".to_owned(), |port| format!("127.0.0.1:{port}"));
        table.add_row([
            row.part.name.to_owned(),
            row.state.to_owned(),
            row.main.map_or_else(|| "-".to_owned(), |main| main.pid.to_string()),
            address,
            format!("{} MB", process::resident(&row.processes) / 1_000_000),
            row.main.and_then(since).unwrap_or_else(|| "-".to_owned()),
            stack.layout.log(row.part.name).display().to_string(),
        ]);
    }
    println!("{table}");
    for row in rows {
        if let (Some(_), Some(trouble)) = (row.main, &row.trouble) {
            println!("{}: {trouble}", row.part.name);
        }
    }
}

/// How long the process has been running.
fn since(identity: Identity) -> Option<String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs();
    Some(duration(now.saturating_sub(identity.started_at()?)))
}

fn duration(seconds: u64) -> String {
    match (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0, s) => format!("{s} s"),
        (0, 0, m, s) => format!("{m} min {s} s"),
        (0, h, m, _) => format!("{h} h {m} min"),
        (d, h, _, _) => format!("{d} d {h} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        assert_eq!(duration(7), "7 s");
        assert_eq!(duration(67), "1 min 7 s");
        assert_eq!(duration(3_667), "1 h 1 min");
        assert_eq!(duration(90_000), "1 d 1 h");
    }
}
