//! Redis: the cache, which is allowed to come back empty, and so keeps nothing on disk.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use futures_util::FutureExt;
use nix::sys::signal::Signal;

use crate::stack::part::{Launch, Part};
use crate::stack::{Stack, probe};

const NAME: &str = "redis";

pub(super) const PART: Part = Part {
    name: NAME,
    needs: &[],
    ports: |stack| vec![stack.ports().redis()],
    prepare,
    launch,
    probe: |stack| async move { probe::redis(&stack.redis_url()).await }.boxed(),
    start_deadline: Duration::from_secs(20),
    stop_signal: Signal::SIGTERM,
    stop_deadline: Duration::from_secs(10),
    stop_wave: 2,
    stands_back: false,
};

fn prepare(stack: &Stack) -> Result<()> {
    stack.owner.make_dir(&stack.layout.data(NAME), 0o700)?;
    let config = format!(
        "bind 127.0.0.1\nport {}\ndir {}\nsave \"\"\nappendonly no\nmaxmemory 0\ndaemonize no\n\
         # A title of its own would overwrite the environment, by which the launcher knows its processes.\n\
         set-proc-title no\n",
        stack.ports().redis(),
        stack.layout.data(NAME).display()
    );
    stack
        .owner
        .write(&stack.layout.etc().join("redis.conf"), &config, 0o644)
}

fn launch(stack: &Stack) -> Result<Launch> {
    let system = PathBuf::from("/usr/bin/redis-server");
    let program = if system.exists() {
        system
    } else {
        stack.set().join("redis-server")
    };
    Ok(Launch::new(program).arg(stack.layout.etc().join("redis.conf")))
}
