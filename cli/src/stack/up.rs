//! `onhand up`: walks the graph of parts and steps, each as soon as what it needs is ready.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use tokio::task::JoinSet;

use super::layout::Layout;
use super::part::Part;
use super::progress::Progress;
use super::steps::Step;
use super::{Stack, fetch, parts, preflight, process, procfs, spawn, status, steps};

/// A part or a step.
#[derive(Debug, Clone, Copy)]
enum Node {
    Part(Part),
    Step(Step),
}

impl Node {
    fn name(self) -> &'static str {
        match self {
            Self::Part(part) => part.name,
            Self::Step(step) => step.name,
        }
    }

    fn needs(self) -> &'static [&'static str] {
        match self {
            Self::Part(part) => part.needs,
            Self::Step(step) => step.needs,
        }
    }
}

/// Brings the whole stack, or only the named parts with what they need, to the state "ready"; with `observe` also the
/// parts that watch the others.
pub(crate) async fn up(only: &[String], observe: bool) -> Result<()> {
    let begun = Instant::now();
    let progress = Progress::new();
    let layout = Layout::from_env()?;
    preflight::disk(&layout)?;
    let mut stack = Stack::open(layout)?;
    stack.observed |= observe;
    let stack = Arc::new(stack);
    let _lock = lock(&stack.layout, &progress)?;
    fetch_parts(&stack, &progress).await?;
    install_binary(&stack)?;
    let nodes = choose(&stack.layout, only, observe)?;
    stop_misled_alerts(&stack, &nodes).await?;
    walk(&stack, nodes, &progress).await?;
    status::print_ready(&stack).await;
    println!("\nready after {:.1} s", begun.elapsed().as_secs_f32());
    Ok(())
}

/// One `up` or `down` at a time per stack.
pub(super) fn lock(layout: &Layout, progress: &Progress) -> Result<Flock<File>> {
    let path = layout.lock();
    let open = || File::create(&path).with_context(|| format!("{} could not be opened", path.display()));
    match Flock::lock(open()?, FlockArg::LockExclusiveNonblock) {
        Ok(lock) => Ok(lock),
        Err((file, Errno::EAGAIN)) => {
            progress.note("another onhand up or down works on this stack; waiting for it");
            Flock::lock(file, FlockArg::LockExclusive)
                .map_err(|(_, error)| error)
                .context("the lock could not be taken")
        }
        Err((_, error)) => Err(error).context("the lock could not be taken"),
    }
}

async fn fetch_parts(stack: &Arc<Stack>, progress: &Progress) -> Result<()> {
    let (stack, progress) = (Arc::clone(stack), progress.clone());
    tokio::task::spawn_blocking(move || fetch::fetch(&stack.layout.parts, &stack.java, &progress)).await?
}

/// Copies this program to where the servers' user can run it. Running roles keep the file that they were started from.
fn install_binary(stack: &Stack) -> Result<()> {
    let target = stack.binary();
    let new = target.with_extension("new");
    let own = std::env::current_exe().context("this program's own file is unknown")?;
    if same_file(&own, &target) {
        return Ok(());
    }
    let text = || format!("{} could not be written", target.display());
    let _ = fs::remove_file(&new);
    fs::copy(&own, &new).with_context(text)?;
    fs::set_permissions(&new, fs::Permissions::from_mode(0o755)).with_context(text)?;
    let changed = fs::metadata(&own).and_then(|data| data.modified()).with_context(text)?;
    let copy = fs::File::options().write(true).open(&new).with_context(text)?;
    copy.set_modified(changed).with_context(text)?;
    fs::rename(&new, &target).with_context(text)
}

/// Equal in size and in the time of the last change, which the copy takes over: good enough to skip a copy of 100 MB. An older program that
/// somebody goes back to differs too, and programs of two builds often have one size.
fn same_file(own: &std::path::Path, copy: &std::path::Path) -> bool {
    let facts = |path| fs::metadata(path).ok().map(|data| (data.len(), data.modified().ok()));
    match (facts(own), facts(copy)) {
        (Some((length, changed)), Some((copied, when))) => length == copied && when == changed,
        _ => false,
    }
}

fn graph() -> Vec<Node> {
    let parts = parts::all().into_iter().map(Node::Part);
    parts.chain(steps::all().into_iter().map(Node::Step)).collect()
}

/// What is to run: everything, without observers that nobody asked for; or the named nodes with what they need.
fn choose(layout: &Layout, only: &[String], observe: bool) -> Result<Vec<Node>> {
    let observers = || {
        parts::OBSERVERS
            .iter()
            .filter(|_| observe)
            .map(|name| (*name).to_owned())
    };
    if !only.is_empty() {
        return select(graph(), &only.iter().cloned().chain(observers()).collect::<Vec<_>>());
    }
    let wanted: BTreeSet<_> = parts::wanted(layout).iter().map(|part| part.name).collect();
    let mut nodes = graph();
    nodes.retain(|node| {
        let name = node.name();
        observe || !parts::OBSERVERS.contains(&name) || wanted.contains(name)
    });
    Ok(nodes)
}

/// The alerts role knows from its start whom it tells: one that was started with another Alertmanager, or with none where
/// there is one now, is stopped here and started with the rest.
async fn stop_misled_alerts(stack: &Stack, nodes: &[Node]) -> Result<()> {
    let part = parts::ALERTS;
    let Some(running) = process::recorded(&stack.layout, part.name) else {
        return Ok(());
    };
    let tells = procfs::has_variable(running.pid, &parts::alertmanager_setting(stack));
    if tells == stack.observed || nodes.iter().all(|node| node.name() != part.name) {
        return Ok(());
    }
    process::stop(&stack.layout, part.name, part.stop_signal, part.stop_deadline)
        .await
        .map(drop)
}

/// The named nodes and, transitively, what they need; all nodes if none is named.
fn select(nodes: Vec<Node>, only: &[String]) -> Result<Vec<Node>> {
    if only.is_empty() {
        return Ok(nodes);
    }
    let mut wanted = BTreeSet::new();
    let mut queue: Vec<String> = only.to_vec();
    while let Some(name) = queue.pop() {
        let Some(node) = nodes.iter().find(|node| node.name() == name) else {
            let names: Vec<_> = nodes.iter().map(|node| node.name()).collect();
            bail!("nothing is called {name}; there are: {}", names.join(", "));
        };
        if wanted.insert(node.name()) {
            queue.extend(node.needs().iter().map(|need| (*need).to_owned()));
        }
    }
    Ok(nodes.into_iter().filter(|node| wanted.contains(node.name())).collect())
}

/// Starts every node as soon as its needs are met; the first failure ends the walk and leaves what runs running, so
/// that the next `up` goes on from there.
async fn walk(stack: &Arc<Stack>, nodes: Vec<Node>, progress: &Progress) -> Result<()> {
    let mut waiting = nodes;
    let mut ready: BTreeSet<&'static str> = BTreeSet::new();
    let mut running: JoinSet<(&'static str, Result<()>)> = JoinSet::new();
    loop {
        let (startable, rest): (Vec<_>, Vec<_>) = waiting
            .into_iter()
            .partition(|node| node.needs().iter().all(|need| ready.contains(need)));
        waiting = rest;
        for node in startable {
            let (stack, progress) = (Arc::clone(stack), progress.clone());
            running.spawn(async move {
                let result = match node {
                    Node::Part(part) => spawn::ensure(part, stack, progress).await,
                    Node::Step(step) => steps::run(step, stack, progress).await,
                };
                (node.name(), result)
            });
        }
        let Some(ended) = running.join_next().await else { break };
        let (name, result) = ended?;
        result?;
        ready.insert(name);
    }
    match waiting.first() {
        None => Ok(()),
        Some(node) => bail!(
            "{} needs something that does not exist: {:?}",
            node.name(),
            node.needs()
        ),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn an_older_program_of_the_same_size_is_another_one() {
        let folder = std::env::temp_dir().join(format!("onhand-up-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (own, copy) = (folder.join("own"), folder.join("copy"));
        let write = |path: &std::path::Path, seconds: u64| {
            fs::write(path, "program").unwrap();
            let at = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
            fs::File::options()
                .write(true)
                .open(path)
                .unwrap()
                .set_modified(at)
                .unwrap();
        };
        write(&own, 1_000);
        write(&copy, 1_000);
        assert!(same_file(&own, &copy));
        write(&copy, 2_000);
        assert!(!same_file(&own, &copy), "the newer one must not stay");
        fs::remove_file(&copy).unwrap();
        assert!(!same_file(&own, &copy));
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn every_need_exists_and_nothing_waits_for_itself() {
        let nodes = graph();
        let mut ready = BTreeSet::new();
        for _ in 0..nodes.len() {
            for node in &nodes {
                if node.needs().iter().all(|need| ready.contains(need)) {
                    ready.insert(node.name());
                }
            }
        }
        assert_eq!(ready.len(), nodes.len());
    }

    #[test]
    fn a_named_part_brings_what_it_needs() {
        let chosen = select(graph(), &["connect".to_owned()]).unwrap();
        let names: Vec<_> = chosen.iter().map(|node| node.name()).collect();
        assert!(names.contains(&"kafka"));
        assert!(!names.contains(&"redis"));
        assert!(select(graph(), &["nonsense".to_owned()]).is_err());
    }
}
