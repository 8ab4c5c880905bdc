//! Rebuilds the crate when a migration or a function changes: both are compiled in, and cargo does not see that by itself.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
    println!("cargo::rerun-if-changed=../functions");
}
