//! Change capture from the side of an operator: snapshots on order, a slot that was lost, a database that was restored.

mod backfill;
mod recover;
mod repair;
mod watch;

pub(crate) use backfill::Backfill;
pub(crate) use recover::Recover;
pub(crate) use repair::repair;
pub(crate) use watch::watch;
