//! Runs tests that need a database each: one process, one template, a few at a time.

use crate::database::{Database, Server};
use anyhow::{Result, ensure};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use libtest_mimic::{Arguments, Failed, Trial};
use std::future::Future;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::runtime::Runtime;

/// One test: gets a fresh database.
pub type Body = Box<dyn FnOnce(Arc<Database>) -> BoxFuture<'static, Result<()>> + Send>;

/// How many tests run at once unless the command line says otherwise.
const AT_ONCE: usize = 3;

/// Makes a named test of an async function.
pub fn test<F, R>(name: &str, body: F) -> (String, Body)
where
    F: FnOnce(Arc<Database>) -> R + Send + 'static,
    R: Future<Output = Result<()>> + Send + 'static,
{
    (name.to_owned(), Box::new(move |database| body(database).boxed()))
}

/// Runs the tests and drops their databases. None at all, or no server, is a failure.
#[must_use]
pub fn run(tests: Result<Vec<(String, Body)>>) -> ExitCode {
    tests.and_then(run_all).unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

/// Fails unless a check has found this fault. A check that cannot find the fault in a faulty copy proves nothing where there is none.
///
/// # Errors
/// Says what was found instead.
pub fn must_find(checked: Result<()>, fault: &str) -> Result<()> {
    let found = checked.err().map(|error| error.to_string());
    ensure!(
        found.as_deref() == Some(fault),
        "found in the faulty copy: {found:?}, not {fault:?}"
    );
    Ok(())
}

fn run_all(tests: Vec<(String, Body)>) -> Result<ExitCode> {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = arguments.test_threads.or(Some(AT_ONCE));
    if tests.is_empty() {
        anyhow::bail!("there is no test");
    }
    if arguments.list {
        let trials = tests
            .into_iter()
            .map(|(name, _)| Trial::test(name, || Ok(())))
            .collect();
        return Ok(libtest_mimic::run(&arguments, trials).exit_code());
    }
    let runtime = Arc::new(
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()?,
    );
    let server = Arc::new(runtime.block_on(Server::start())?);
    let trials = tests
        .into_iter()
        .map(|(name, body)| trial(&runtime, &server, name, body))
        .collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    runtime.block_on(server.stop())?;
    Ok(conclusion.exit_code())
}

fn trial(runtime: &Arc<Runtime>, server: &Arc<Server>, name: String, body: Body) -> Trial {
    let (runtime, server) = (Arc::clone(runtime), Arc::clone(server));
    Trial::test(name.clone(), move || {
        runtime
            .block_on(async {
                let database = Arc::new(server.database(&name.to_lowercase()).await?);
                // As a task of its own, so that a panic ends the test and not the clean-up.
                let outcome = tokio::spawn(body(Arc::clone(&database))).await;
                if let Some(database) = Arc::into_inner(database) {
                    server.remove(database).await?;
                }
                outcome?
            })
            .map_err(|error: anyhow::Error| Failed::from(format!("{error:#}")))
    })
}
