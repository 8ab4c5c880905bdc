//! The Java runtime that the JVM parts run on.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::owner::Owner;

/// Kafka 4 and Elasticsearch 8.19 need this.
const OLDEST: u32 = 17;

/// A Java runtime that was tried as the service user.
#[derive(Debug, Clone)]
pub(crate) struct Java {
    /// Its home folder.
    pub(crate) home: PathBuf,
}

impl Java {
    /// Takes `JAVA_HOME`, else the `java` on the path, and checks its age by running it.
    pub(crate) fn find(owner: &Owner) -> Result<Self> {
        let program = env::var_os("JAVA_HOME")
            .map(|home| PathBuf::from(home).join("bin/java"))
            .filter(|program| program.is_file())
            .unwrap_or_else(|| PathBuf::from("java"));
        let output = owner
            .command(&program)
            .args(["-XshowSettings:properties", "-version"])
            .output()
            .with_context(|| format!("{} could not be run", program.display()))?;
        let text = String::from_utf8_lossy(&output.stderr);
        let (version, home) = parse(&text).with_context(|| {
            format!(
                "{} did not tell its version; needed is a JDK {OLDEST} or newer",
                program.display()
            )
        })?;
        if version < OLDEST {
            bail!(
                "Java {version} ({}) is too old: Kafka and Elasticsearch need {OLDEST} or newer. \
                 Install one (Debian: apt-get install openjdk-17-jdk-headless) or point JAVA_HOME at it",
                home.display()
            );
        }
        Ok(Self { home })
    }

    /// The program.
    pub(crate) fn program(&self) -> PathBuf {
        self.home.join("bin/java")
    }

    /// A tool that a JDK has and a runtime alone has not.
    pub(crate) fn tool(&self, name: &str) -> Result<PathBuf> {
        let program = self.home.join("bin").join(name);
        if !program.is_file() {
            bail!(
                "{} is not there: a JDK is needed, not only a Java runtime. \
                 Install one (Debian: apt-get install openjdk-17-jdk-headless) or point JAVA_HOME at it",
                program.display()
            );
        }
        Ok(program)
    }
}

/// Version and home out of what `java -XshowSettings:properties` prints.
fn parse(text: &str) -> Option<(u32, PathBuf)> {
    let value = |name: &str| {
        text.lines()
            .filter_map(|line| line.split_once('='))
            .find(|(key, _)| key.trim() == name)
            .map(|(_, value)| value.trim().to_owned())
    };
    let version = value("java.specification.version")?;
    // Up to Java 8 the version was written 1.8.
    let major = version.strip_prefix("1.").unwrap_or(&version).parse().ok()?;
    Some((major, Path::new(&value("java.home")?).to_path_buf()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_and_new_versions_are_read() {
        let text = |version: &str| {
            format!("Property settings:\n    java.home = /opt/j\n    java.specification.version = {version}\n")
        };
        assert_eq!(parse(&text("1.8")), Some((8, PathBuf::from("/opt/j"))));
        assert_eq!(parse(&text("21")), Some((21, PathBuf::from("/opt/j"))));
        assert_eq!(parse("java: not found"), None);
    }
}
