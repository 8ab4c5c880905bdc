//! Postgres access of Onhand: migrations, SQL functions, pool, and one typed call per SQL function.
//!
//! The business rules live in `functions/`; this crate only carries arguments in and answers out, and turns the
//! SQLSTATE class `IV` into [`ErrorCode`].

pub mod alert;
mod capture;
mod catalogue;
mod command;
mod config;
mod error;
mod functions;
mod maintenance;
pub mod migrate;
mod pool;
mod reservation;
mod stock;
mod summary;

pub use capture::{SlotState, ensure_replication_slot, raise_epoch, renew_versions, request_snapshot, slot_state};
pub use catalogue::{
    Item, Location, Saved, get_item, get_location, item_ids, upsert_items, upsert_items_once, upsert_locations,
    upsert_locations_once,
};
pub use command::{Answer, AnswerLevel, Outcome, apply_commands};
pub use config::DatabaseConfig;
pub use error::{DbError, ErrorCode, Refusal};
pub use maintenance::{
    close_finished_months, ensure_movement_partitions, expire_lots, purge_idempotency_keys, record_dead_letters,
    retire_movement_partitions,
};
pub use pool::{Pool, PooledClient};
pub use reservation::{ReservationLine, ReservationState, expire_reservations, get_reservation};
pub use stock::{
    LevelRow, Movement, StockState, get_stock_history, get_stock_level, levels_after, levels_of_items, set_stock_policy,
};
pub use summary::{
    FoldStep, ReportAge, STOCK_SUMMARY, StockSummary, fold_stock_summary, get_stock_summary, rebuild_stock_summary,
    refresh_report, report_ages,
};
pub use tokio_postgres;
