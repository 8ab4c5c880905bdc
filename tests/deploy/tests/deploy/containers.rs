//! The container files: of stated versions, and nobody is root in what they make.

use std::path::{Path, PathBuf};

use onhand_deploy::{policy, tools};

/// Problems of one file, as sentences.
fn problems(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut stages = Vec::new();
    let mut user = None;
    let mut labels = String::new();
    let joined = text.replace("\\\n", " ");
    for line in joined.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        let Some((word, rest)) = line.split_once(char::is_whitespace) else {
            continue;
        };
        match word {
            "FROM" => {
                let mut words = rest.split_whitespace();
                let image = words.next().unwrap_or_default();
                if !stages.contains(&image) && !policy::pinned(image) {
                    found.push(format!("{image} is not pinned"));
                }
                stages.extend(words.nth(1));
                (user, labels) = (None, String::new());
            }
            "USER" => user = rest.split(':').next(),
            "LABEL" => labels.push_str(rest),
            _ => {}
        }
    }
    if user
        .and_then(|user| user.parse::<u32>().ok())
        .is_none_or(|user| user == 0)
    {
        found.push("the last stage runs as root, or as somebody whom Kubernetes cannot judge".to_owned());
    }
    for name in ["title", "description", "licenses", "version", "revision", "base.name"] {
        let label = format!("org.opencontainers.image.{name}=");
        if !labels.contains(&label) {
            found.push(format!("label {label} is missing"));
        }
    }
    found
}

const FILES: [&str; 2] = ["deploy/Dockerfile", "deploy/connect/Dockerfile"];

#[test]
fn both_are_good_and_broken_copies_are_refused() {
    for file in FILES {
        let text = tools::read(file).unwrap();
        assert_eq!(problems(&text), Vec::<String>::new(), "{file}");
        let user = text.lines().rfind(|line| line.starts_with("USER")).unwrap();
        for (from, to) in [
            (user, "USER 0"),
            (user, "USER onhand"),
            (user, ""),
            ("image.licenses", "image.licence"),
        ] {
            let last = text.rfind(from).unwrap();
            let broken = format!("{}{}", &text[..last], text[last..].replacen(from, to, 1));
            assert!(!problems(&broken).is_empty(), "{file}: {to}");
        }
        let first = text.lines().find(|line| line.starts_with("FROM")).unwrap();
        let image = first.split_whitespace().nth(1).unwrap();
        let broken = text.replace(image, image.rsplit_once(':').unwrap().0);
        assert!(
            problems(&broken).iter().any(|problem| problem.contains("not pinned")),
            "{file}"
        );
    }
}

#[test]
fn the_program_is_built_by_the_toolchain_of_the_repository() {
    let toolchain = tools::read("rust-toolchain.toml").unwrap();
    let channel = toolchain
        .split("channel = \"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let file = tools::read("deploy/Dockerfile").unwrap();
    assert!(file.contains(&format!("library/rust:{channel}-")), "{channel}");
}

/// Whether `.dockerignore` leaves a file out of the context: the last pattern that matches decides.
fn is_left_out(ignore: &str, path: &Path) -> bool {
    let patterns = ignore.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    patterns.fold(false, |out, line| {
        let (pattern, leaves_out) = line.strip_prefix('!').map_or((line, true), |kept| (kept, false));
        let matches = match pattern.strip_prefix("**/*") {
            Some(ending) => path.to_string_lossy().ends_with(ending),
            None => path.starts_with(pattern),
        };
        if matches { leaves_out } else { out }
    })
}

/// Files and folders that sources of the program take in when they are compiled, from the root of the repository.
fn taken_in() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for member in ["db", "cdc", "consumers", "api", "cli", "trace"] {
        for source in tools::rust_sources(&tools::root().join(member).join("src")).unwrap() {
            let text = std::fs::read_to_string(&source).unwrap();
            let parts = ["include_str!(\"", "include_dir!(\""].map(|words| text.split(words).skip(1));
            for part in parts.into_iter().flatten() {
                let Some(path) = part.split('"').next().filter(|path| path.contains('/')) else {
                    continue;
                };
                let path = match path.strip_prefix("$CARGO_MANIFEST_DIR/") {
                    Some(path) => tools::root().join(member).join(path),
                    None => source.parent().unwrap().join(path),
                };
                if let Ok(path) = path.canonicalize() {
                    found.push(
                        path.strip_prefix(tools::root().canonicalize().unwrap())
                            .unwrap()
                            .to_owned(),
                    );
                }
            }
        }
    }
    found
}

#[test]
fn what_the_program_takes_in_is_in_the_context() {
    let ignore = tools::read(".dockerignore").unwrap();
    let files = taken_in();
    for wanted in [
        "connectors/debezium-postgres.json",
        "deploy/observe/rules.yml",
        "functions",
    ] {
        assert!(
            files.iter().any(|file| file == Path::new(wanted)),
            "{wanted}: {files:?}"
        );
    }
    for file in &files {
        assert!(!is_left_out(&ignore, file), "{} is left out", file.display());
    }
    let broken = ignore.replace("!deploy/observe", "");
    assert!(files.iter().any(|file| is_left_out(&broken, file)));
}
