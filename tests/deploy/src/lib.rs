//! What the checks of the deployment work with: rendering, schemas, and the rules of our own.
//!
//! Nothing here needs a cluster or a running part. `kubectl` and the schemas of Kubernetes are fetched by `tests/deploy/fetch`,
//! pinned by their hashes; the definitions of custom resources come with cargo.

pub mod custom;
pub mod object;
pub mod observe;
pub mod policy;
pub mod program;
pub mod render;
pub mod schema;
pub mod tools;
