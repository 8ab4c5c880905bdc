//! The Redis read model: names of keys and fields, and the one guarded way to write them.
//!
//! Hash `catalog:stock:{<item>}` (the braces are the cluster's hash tag):
//!
//! | field | value |
//! |---|---|
//! | `warehouse:<location>` | available there |
//! | `row:<location>` | the whole row with its version, see [`StockRow::format`] |
//! | `total` | sum of on hand |
//! | `available` | sum of what is available, negative balances not counted |
//! | `threshold` | sum of the larger of safety stock and reorder point |
//! | `limitless` | how many locations are never short (digital items); absent where none ever was |
//! | `status`, `low_stock` | from the three above |
//! | `complete` | `1` once a load from Postgres brought every row of the item |
//! | `at` | commit time of the newest applied change, milliseconds since 1970 |
//!
//! `catalog:warm` exists once every item was loaded.

mod cache;
mod item;
mod keys;
mod repair;
mod row;

pub use cache::{APPLY_SCRIPT, CacheError, ItemRows, StockCache};
pub use item::CachedItem;
pub use keys::Keys;
pub use repair::{Repair, RowRepair};
pub use row::{RowError, StockRow, StockStatus};
