//! The connection pool.

use crate::{DatabaseConfig, DbError};
use deadpool_postgres::{Manager, ManagerConfig, RecyclingMethod, Runtime};
use std::time::Duration;
use tokio_postgres::NoTls;

/// A connection on loan; goes back to the pool when dropped.
pub type PooledClient = deadpool_postgres::Object;

/// Connections to Postgres. Cheap to clone; opens them when they are needed.
#[derive(Clone)]
pub struct Pool {
    inner: deadpool_postgres::Pool,
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Pool")
            .field("status", &self.inner.status())
            .finish()
    }
}

impl Pool {
    /// A pool for these settings. Does not connect yet.
    ///
    /// # Errors
    /// A sentence that names the setting that is wrong.
    pub fn new(config: &DatabaseConfig) -> Result<Self, String> {
        config.validate()?;
        let manager = Manager::from_config(
            config.parsed()?,
            NoTls,
            ManagerConfig {
                recycling_method: RecyclingMethod::Fast,
            },
        );
        let timeout = Some(Duration::from_millis(config.connect_timeout_ms));
        let inner = deadpool_postgres::Pool::builder(manager)
            .max_size(config.pool_size)
            .runtime(Runtime::Tokio1)
            .wait_timeout(timeout)
            .create_timeout(timeout)
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Self { inner })
    }

    /// A connection, from the pool or new.
    ///
    /// # Errors
    /// [`DbError::Unreachable`] if none can be had within the configured time.
    pub async fn get(&self) -> Result<PooledClient, DbError> {
        self.inner
            .get()
            .await
            .map_err(|error| DbError::Unreachable(Box::new(error)))
    }

    /// Connections that are open, and callers that wait for one.
    #[must_use]
    pub fn usage(&self) -> (usize, usize) {
        let status = self.inner.status();
        (status.size, status.waiting)
    }

    /// Closes the pool: calls that still wait fail, connections on loan are closed when they come back.
    pub fn close(&self) {
        self.inner.close();
    }
}
