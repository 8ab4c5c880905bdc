//! Runs each file of `tests/sql` as one test, in a database of its own.

use anyhow::{Context, Result, bail};
use futures_util::FutureExt;
use onhand_tests::database::Database;
use onhand_tests::suite::{self, Body};
use onhand_tests::tap::Report;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use tokio_postgres::SimpleQueryMessage;
use tokio_postgres::error::ErrorPosition;

fn main() -> ExitCode {
    suite::run(tests())
}

fn tests() -> Result<Vec<(String, Body)>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql");
    let mut tests: Vec<(String, Body)> = Vec::new();
    for entry in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "sql") {
            let name = path
                .file_stem()
                .map(|stem| stem.to_string_lossy().into_owned())
                .unwrap_or_default();
            tests.push((name, Box::new(move |database| run_file(database, path).boxed())));
        }
    }
    tests.sort_by(|left, right| left.0.cmp(&right.0));
    Ok(tests)
}

async fn run_file(database: Arc<Database>, path: PathBuf) -> Result<()> {
    let script = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let client = database.client().await?;
    let answers = match client.simple_query(&script).await {
        Ok(answers) => answers,
        Err(error) => bail!("{}", describe(&error, &path, &script)),
    };
    let lines = answers.iter().filter_map(|answer| match answer {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    match Report::read(lines).problem() {
        Some(problem) => bail!("{}:\n{problem}", path.display()),
        None => Ok(()),
    }
}

/// The message of the server with the line of the file that it is about.
fn describe(error: &tokio_postgres::Error, path: &Path, script: &str) -> String {
    let Some(db) = error.as_db_error() else {
        return format!("{}: {error}", path.display());
    };
    let line = match db.position() {
        Some(ErrorPosition::Original(position)) => usize::try_from(*position)
            .map(|position| {
                script
                    .chars()
                    .take(position)
                    .filter(|character| *character == '\n')
                    .count()
                    + 1
            })
            .ok(),
        _ => None,
    };
    format!(
        "{}:{}: {} {} {} {}",
        path.display(),
        line.map_or_else(|| "?".to_owned(), |line| line.to_string()),
        db.code().code(),
        db.message(),
        db.detail().unwrap_or_default(),
        db.where_().unwrap_or_default(),
    )
}
