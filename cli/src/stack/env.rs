//! `onhand env`: the running stack's addresses and passwords as lines for a shell.

use std::path::PathBuf;

use anyhow::{Result, bail};
use secrecy::ExposeSecret;

use super::Stack;
use super::layout::Layout;
use super::parts::DATABASE;

/// Prints `export` lines: libpq's variables for the superuser, and the settings of the roles.
pub(crate) fn env() -> Result<()> {
    let layout = Layout::from_env()?;
    if !layout.secrets().is_file() {
        bail!(
            "there is no stack at {} yet; start it with `onhand up`",
            layout.state.display()
        );
    }
    let stack = Stack::open(layout)?;
    let libpq = [
        ("PGHOST", "127.0.0.1".to_owned()),
        ("PGPORT", stack.ports().postgres().to_string()),
        ("PGUSER", "postgres".to_owned()),
        ("PGPASSWORD", stack.secrets.postgres.expose_secret().to_owned()),
        ("PGDATABASE", DATABASE.to_owned()),
    ];
    let places = [
        ("ONHAND_STATE", stack.layout.state.display().to_string()),
        ("ONHAND_PARTS", stack.layout.parts.display().to_string()),
        ("ONHAND_PORT_PREFIX", stack.ports().prefix().to_string()),
        ("ONHAND_API_URL", format!("http://127.0.0.1:{}", stack.ports().api())),
    ];
    for (name, value) in libpq.into_iter().chain(places).chain(stack.settings()) {
        println!("export {name}={}", quoted(&value));
    }
    Ok(())
}

/// The settings of the stack of this folder; none if there is no stack.
pub(crate) fn local_settings() -> Result<Vec<(&'static str, String)>> {
    let layout = Layout::from_env()?;
    if !layout.secrets().is_file() {
        return Ok(Vec::new());
    }
    Ok(Stack::open(layout)?.settings())
}

/// How the superuser of the local stack logs in; none if there is no stack.
pub(crate) fn local_superuser_url() -> Result<Option<String>> {
    let layout = Layout::from_env()?;
    if !layout.secrets().is_file() {
        return Ok(None);
    }
    Ok(Some(Stack::open(layout)?.superuser_url()))
}

/// Base of the HTTP interface of the local stack.
pub(crate) fn local_api_url() -> Result<String> {
    Ok(format!("http://127.0.0.1:{}", Layout::from_env()?.ports.api()))
}

/// Where the part of the local stack that compares all the time tells what it found.
pub(crate) fn local_verify_metrics() -> Result<String> {
    let port = Layout::from_env()?.ports.verify_metrics();
    Ok(format!("http://127.0.0.1:{port}/metrics"))
}

/// Where the local stack keeps its files.
pub(crate) fn local_state() -> Result<PathBuf> {
    Ok(Layout::from_env()?.state)
}

/// In single quotes, which a POSIX shell takes literally.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_in_a_path_does_not_end_the_word() {
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
