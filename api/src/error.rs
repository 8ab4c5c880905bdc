//! Why the API process could not start or had to stop.

use std::net::SocketAddr;

/// A failure of the process; failures of one request are [`crate::Problem`]s.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApiError {
    /// A setting cannot work.
    #[error("setting {setting} must be {must_be}")]
    Config {
        /// Its full name.
        setting: &'static str,
        /// What it may be.
        must_be: &'static str,
    },
    /// A listener could not be opened.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A client of one of the parts could not be built from its settings.
    #[error("cannot set up the connection to {part}")]
    Setup {
        /// postgres, redis or elasticsearch.
        part: &'static str,
        /// Why not.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Serving ended with an error.
    #[error("the server stopped")]
    Serve(#[source] std::io::Error),
    /// Metrics could not be set up.
    #[error("cannot install the metrics recorder")]
    Metrics(#[source] metrics_exporter_prometheus::BuildError),
}
