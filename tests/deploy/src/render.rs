//! What `kubectl kustomize` makes of a folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};

use crate::object::{self, Object};
use crate::tools;

/// The folder of the manifests.
pub const MANIFESTS: &str = "deploy/k8s";

/// Renders a folder of the repository.
///
/// # Errors
/// `kubectl` refuses it.
pub fn folder(path: &str) -> Result<Vec<Object>> {
    static DONE: Mutex<BTreeMap<String, Vec<Object>>> = Mutex::new(BTreeMap::new());
    let mut done = DONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(objects) = done.get(path) {
        return Ok(objects.clone());
    }
    let objects = any(&tools::root().join(path))?;
    done.insert(path.to_owned(), objects.clone());
    Ok(objects)
}

/// Renders the base with these components, in this order.
///
/// # Errors
/// `kubectl` refuses it.
pub fn base_with(components: &[&str]) -> Result<Vec<Object>> {
    // Several tests may render the same at once.
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("{}-{count}-{}", std::process::id(), components.join("-"));
    // Beside the overlays: kustomize takes no absolute paths.
    let home = Scratch(tools::root().join(MANIFESTS).join("overlays").join(format!(".{name}")));
    fs::create_dir_all(&home.0)?;
    let mut text = "resources: [../../base]\ncomponents:\n".to_owned();
    for component in components {
        text.push_str(&format!("  - ../../components/{component}\n"));
    }
    if components.is_empty() {
        text.push_str("  []\n");
    }
    fs::write(home.0.join("kustomization.yaml"), text)?;
    any(&home.0).with_context(|| format!("base with {components:?}"))
}

/// Renders any folder.
///
/// # Errors
/// `kubectl` refuses it.
pub fn any(path: &Path) -> Result<Vec<Object>> {
    let text = tools::output(Command::new(tools::kubectl()?).arg("kustomize").arg(path))?;
    object::parse(&text)
}

/// Names of the folders in a folder of the manifests.
///
/// # Errors
/// It cannot be read.
pub fn folders(below: &str) -> Result<Vec<String>> {
    let path = tools::root().join(MANIFESTS).join(below);
    let mut names = Vec::new();
    for entry in fs::read_dir(&path).with_context(|| path.display().to_string())? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().join("kustomization.yaml").is_file() && !name.starts_with('.') {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// A folder that is removed in any case.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
