//! Parts of the running stack, slowed down from outside.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::stack::Stack;

fn pid(stack: &Stack, part: &str) -> Result<String> {
    let file = format!("{}/run/{part}.pid", stack.state);
    let text = std::fs::read_to_string(&file).with_context(|| file)?;
    Ok(text.split_whitespace().next().context("an empty pid file")?.to_owned())
}

fn signal(pid: &str, name: &str) -> Result<()> {
    let sent = Command::new("kill").args([name, pid]).status()?;
    ensure!(sent.success(), "kill {name} {pid}");
    Ok(())
}

/// A part whose process stands still; it goes on when this is dropped.
#[derive(Debug)]
pub struct Stopped {
    pid: String,
}

impl Stopped {
    /// Stops the process of a part.
    ///
    /// # Errors
    /// If the part does not run.
    pub fn part(stack: &Stack, part: &str) -> Result<Self> {
        let pid = pid(stack, part)?;
        signal(&pid, "-STOP")?;
        Ok(Self { pid })
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        if let Err(error) = signal(&self.pid, "-CONT") {
            eprintln!("{} stands still: {error}", self.pid);
        }
    }
}

/// A part that gets its processor in slices only, until this is dropped.
#[derive(Debug)]
pub struct Slowed {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Slowed {
    /// Lets the process of a part run for `runs` after each pause of `stands`.
    ///
    /// # Errors
    /// If the part does not run.
    pub fn part(stack: &Stack, part: &str, stands: Duration, runs: Duration) -> Result<Self> {
        pid(stack, part)?;
        let stop = Arc::new(AtomicBool::new(false));
        let (stack, part, ended) = (stack.clone(), part.to_owned(), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                if let Ok(stopped) = Stopped::part(&stack, &part) {
                    std::thread::sleep(stands);
                    drop(stopped);
                }
                std::thread::sleep(runs);
            }
        });
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for Slowed {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // Its last slice ends with the process running, whatever became of the test.
            let _ = thread.join();
        }
    }
}
