//! Passwords of one local stack: made once, kept in `secrets.env`, readable by the caller alone.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use secrecy::SecretString;

const POSTGRES: &str = "ONHAND_POSTGRES_PASSWORD";
const APP: &str = "ONHAND_APP_PASSWORD";
const CDC: &str = "ONHAND_CDC_PASSWORD";

/// The passwords of the local stack.
#[derive(Debug, Clone)]
pub(crate) struct Secrets {
    /// Superuser `postgres`.
    pub(crate) postgres: SecretString,
    /// Login `onhand_app` of the API and the consumers.
    pub(crate) app: SecretString,
    /// Login `onhand_cdc` of the connector.
    pub(crate) cdc: SecretString,
}

impl Secrets {
    /// Reads the file; passwords that it lacks are made and added.
    pub(crate) fn load_or_make(path: &Path) -> Result<Self> {
        let mut entries = match fs::read_to_string(path) {
            Ok(text) => parse(&text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => {
                return Err(error).with_context(|| format!("{} could not be read", path.display()));
            }
        };
        let known = entries.len();
        let mut take =
            |name: &str| -> SecretString { entries.entry(name.to_owned()).or_insert_with(password).clone().into() };
        let secrets = Self {
            postgres: take(POSTGRES),
            app: take(APP),
            cdc: take(CDC),
        };
        if entries.len() > known {
            store(path, &entries)?;
        }
        Ok(secrets)
    }
}

fn parse(text: &str) -> BTreeMap<String, String> {
    text.lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
        .collect()
}

fn store(path: &Path, entries: &BTreeMap<String, String>) -> Result<()> {
    let text = || format!("{} could not be written", path.display());
    let temporary = path.with_extension("new");
    let _ = fs::remove_file(&temporary);
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary)
        .with_context(text)?;
    for (name, value) in entries {
        writeln!(file, "{name}={value}").with_context(text)?;
    }
    file.sync_all().with_context(text)?;
    fs::rename(&temporary, path).with_context(text)
}

/// 192 random bits in hexadecimal: nothing in it needs quoting in a URL, a shell or SQL.
fn password() -> String {
    use rand::Rng;
    let bytes: [u8; 24] = rand::rng().random();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use secrecy::ExposeSecret;

    #[test]
    fn a_second_load_gives_the_same_passwords() {
        let folder = std::env::temp_dir().join(format!("onhand-secrets-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("secrets.env");
        let first = Secrets::load_or_make(&path).unwrap();
        let second = Secrets::load_or_make(&path).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(first.app.expose_secret(), second.app.expose_secret());
        assert_ne!(first.app.expose_secret(), first.cdc.expose_secret());
        assert_eq!(first.postgres.expose_secret().len(), 48);
    }
}
