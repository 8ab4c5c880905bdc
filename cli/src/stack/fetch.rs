//! The pinned parts: fetched once through Maven, unpacked beside their final place, and renamed when whole.
//!
//! The set's folder is named after the hash of what defines it, so its existence says "complete and of this version";
//! an interrupted fetch leaves only a folder that the next one throws away. Files already in Maven's own cache are
//! not downloaded again.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use nix::fcntl::{Flock, FlockArg};
use sha2::{Digest, Sha256};

use super::java::Java;
use super::logs;
use super::progress::{Progress, Task};

const POM: &str = include_str!("../../parts/pom.xml");
/// The connector's converter: names and sources. The same files are compiled into the Connect image.
const CONVERTER: [(&str, &str); 2] = [
    (
        "AvroConverter.java",
        include_str!("../../../connectors/converter/onhand/connect/AvroConverter.java"),
    ),
    (
        "ValueWriter.java",
        include_str!("../../../connectors/converter/onhand/connect/ValueWriter.java"),
    ),
];
/// Raised when the unpacking below changes its outcome.
const RECIPE: &str = "1";
/// Network failures are worth one more try; Maven keeps what it has.
const TRIES: u32 = 2;

/// The folder of the complete set.
pub(crate) fn set_folder(parts: &Path) -> PathBuf {
    let digest = [POM, RECIPE]
        .into_iter()
        .chain(CONVERTER.map(|(_, source)| source))
        .fold(Sha256::new(), |digest, part| digest.chain_update(part))
        .finalize();
    let short: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    parts.join(format!("set-{short}"))
}

/// Fetches the set if it is not there.
pub(crate) fn fetch(parts: &Path, java: &Java, progress: &Progress) -> Result<()> {
    let set = set_folder(parts);
    if set.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(parts).with_context(|| format!("{} could not be made", parts.display()))?;
    let lock = File::create(parts.join("lock"))?;
    let _lock = Flock::lock(lock, FlockArg::LockExclusive)
        .map_err(|(_, error)| error)
        .context("the parts folder could not be locked")?;
    if set.is_dir() {
        return Ok(());
    }
    let task = progress.start("parts", "fetching the pinned parts (once, about 600 MB)");
    let fetching = Fetching {
        java,
        // A name of its own: a Maven process that outlived a killed fetch writes into another folder.
        new: set.with_extension(format!("new-{}", std::process::id())),
        task: &task,
    };
    match fetching.run(&set) {
        Ok(()) => {
            task.done("fetched");
            Ok(())
        }
        Err(error) => {
            task.failed();
            Err(error).context("the pinned parts could not be fetched; run the command again to try again")
        }
    }
}

struct Fetching<'a> {
    java: &'a Java,
    new: PathBuf,
    task: &'a Task,
}

impl Fetching<'_> {
    fn run(&self, set: &Path) -> Result<()> {
        remove_unfinished(set);
        fs::create_dir_all(&self.new)?;
        fs::write(self.new.join("pom.xml"), POM)?;
        let downloads = self.new.join("downloads");
        self.maven("archives", &downloads, &["-DexcludeTransitive=true"])?;
        self.maven("kafka", &self.new.join("kafka"), &[])?;
        self.maven("converter", &self.new.join("plugins/apicurio-converter"), &[])?;
        self.task.update("unpacking");
        self.unpack(&downloads)?;
        fs::remove_dir_all(&downloads)?;
        self.compile_converter()?;
        self.list_plugins()?;
        self.add_pgtap();
        self.link_redis()?;
        shell("chmod -R a+rX .", &self.new)?;
        fs::rename(&self.new, set).context("the finished set could not be moved to its place")
    }

    /// Copies the dependencies of one profile of the pom; `-C` makes Maven fail on a wrong checksum.
    fn maven(&self, profile: &str, target: &Path, extra: &[&str]) -> Result<()> {
        self.task.update(&format!("fetching {profile}"));
        let log = self.new.join("maven.log");
        for _ in 0..TRIES {
            let output = File::create(&log)?;
            let status = Command::new("mvn")
                .args(["-B", "-C", "-P", profile, "-f"])
                .arg(self.new.join("pom.xml"))
                .arg(format!("-Dpostgres.arch={}", postgres_arch()?))
                .arg("dependency:copy-dependencies")
                .arg(format!("-DoutputDirectory={}", target.display()))
                .args(extra)
                .env("JAVA_HOME", &self.java.home)
                .stdin(std::process::Stdio::null())
                .stdout(output.try_clone()?)
                .stderr(output)
                .status()
                .context("mvn could not be run")?;
            if status.success() {
                return Ok(());
            }
        }
        bail!("maven failed:\n{}", logs::tail(&log, 15)?.join("\n"))
    }

    fn unpack(&self, downloads: &Path) -> Result<()> {
        let scripts = [
            "mkdir ../registry && tar -xzf apicurio-registry-app-*-all.tar.gz -C ../registry",
            "tar -xzf debezium-connector-postgres-*-plugin.tar.gz -C ../plugins",
            "unzip -q elasticsearch-*.zip -d .. && mv ../elasticsearch-* ../elasticsearch",
            "mkdir ../postgres && unzip -q embedded-postgres-binaries-*.jar && tar -xJf postgres-linux-*.txz -C ../postgres",
        ];
        scripts.iter().try_for_each(|script| shell(script, downloads))
    }

    /// Compiles our converter against the one that it asks, and puts it beside that one.
    fn compile_converter(&self) -> Result<()> {
        let sources = self.new.join("sources");
        fs::create_dir_all(&sources)?;
        let mut compile = Command::new(self.java.tool("javac")?);
        compile.args([
            "--release",
            "17",
            "-cp",
            "plugins/apicurio-converter/*:kafka/*",
            "-d",
            "classes",
        ]);
        for (name, source) in CONVERTER {
            let path = sources.join(name);
            fs::write(&path, source)?;
            compile.arg(path);
        }
        run_in(&self.new, &mut compile)?;
        let jar = "plugins/apicurio-converter/onhand-converter.jar";
        run_in(
            &self.new,
            Command::new(self.java.tool("jar")?).args(["--create", "--file", jar, "-C", "classes", "."]),
        )?;
        fs::remove_dir_all(sources)?;
        Ok(fs::remove_dir_all(self.new.join("classes"))?)
    }

    /// Writes the service manifests that the converter's jars lack, so that the worker need not open every class of
    /// every plugin at each start.
    fn list_plugins(&self) -> Result<()> {
        let output = Command::new(self.java.program())
            .arg("-cp")
            .arg(format!("{}/kafka/*", self.new.display()))
            .args([
                "org.apache.kafka.tools.ConnectPluginPath",
                "sync-manifests",
                "--plugin-path",
            ])
            .arg(self.new.join("plugins"))
            .output()?;
        if !output.status.success() {
            bail!(
                "the plugin manifests could not be written: {}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Ok(())
    }

    /// pgTAP is packaged for Postgres 15 but is plain SQL. Only the SQL tests need it: a failure is said, not fatal.
    fn add_pgtap(&self) {
        const SCRIPT: &str = "mkdir -p pgtap && cd pgtap && apt-get download -q postgresql-15-pgtap && dpkg -x *.deb . \
             && cp usr/share/postgresql/*/extension/pgtap* ../postgres/share/postgresql/extension/ && cd .. && rm -r pgtap";
        if let Err(error) = shell(SCRIPT, &self.new) {
            self.task.update(&format!(
                "pgTAP is missing, so the SQL tests cannot run ({error:#}); run apt-get update, remove the parts folder, try again"
            ));
        }
    }

    /// Debian's server program is a link to this file of `redis-tools`, which brings no system service.
    fn link_redis(&self) -> Result<()> {
        std::os::unix::fs::symlink("/usr/bin/redis-check-rdb", self.new.join("redis-server"))
            .context("link to the redis server")
    }
}

/// What interrupted fetches left. The lock is held, so nobody else is at work; what cannot be removed only takes room.
fn remove_unfinished(set: &Path) {
    let (Some(folder), Some(name)) = (set.parent(), set.file_name().and_then(|name| name.to_str())) else {
        return;
    };
    let prefix = format!("{name}.new");
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(&prefix) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn postgres_arch() -> Result<&'static str> {
    match std::env::consts::ARCH {
        "x86_64" => Ok("amd64"),
        "aarch64" => Ok("arm64v8"),
        other => bail!("there are no Postgres binaries for {other}"),
    }
}

fn shell(script: &str, folder: &Path) -> Result<()> {
    run_in(folder, Command::new("sh").args(["-euc", script]))
}

fn run_in(folder: &Path, command: &mut Command) -> Result<()> {
    let output = command
        .current_dir(folder)
        .output()
        .with_context(|| format!("{command:?} could not be run"))?;
    if !output.status.success() {
        bail!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
