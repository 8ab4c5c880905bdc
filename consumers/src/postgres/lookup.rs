//! Rows that an event names, many at once.

use jiff::Timestamp;
use onhand_cdc::RowVersion;
use onhand_cdc::envelope::{ItemRow, LocationRow};
use uuid::Uuid;

use super::{RowSourceError, Rows, bounded, item};

const ITEMS: &str = "
    select i.id, i.sku, i.name, i.description, i.kind, i.parent_id, i.category_id,
           i.unit_of_measure, i.tags, i.dimensions::text as dimensions,
           i.metadata::text as metadata, i.status, i.version, i.created_at, i.updated_at
      from inventory.item i
     where i.id = any($1)";

const LOCATIONS: &str = "
    select l.id, l.name, l.type, l.priority, l.status, l.version
      from inventory.location l
     where l.id = any($1)";

const LOTS: &str = "
    select l.item_id, l.code, l.expires_at
      from unnest($1::uuid[], $2::text[]) as k (item_id, code)
      join inventory.lot l on l.item_id = k.item_id and l.code = k.code";

/// The settings of a level as they were at a version: what the first change of them after it replaced, else what the level
/// has now. The ledger is only looked at where the level has moved on, and not in months before that version was written;
/// the day is for clocks that were put back.
const LEVELS: &str = "
    select k.item_id, k.location_id, k.version as asked, s.version,
           coalesce((p.before ->> 'safety_stock')::bigint, s.safety_stock) as safety_stock,
           coalesce((p.before ->> 'reorder_point')::bigint, s.reorder_point) as reorder_point,
           coalesce(p.before ->> 'policy', s.policy) as policy
      from unnest($1::uuid[], $2::text[], $3::bigint[], $4::timestamptz[])
           as k (item_id, location_id, version, recorded_at)
      join inventory.stock_level s on s.item_id = k.item_id and s.location_id = k.location_id
      left join lateral (
           select m.detail -> 'before' as before
             from inventory.stock_movement m
            where s.version > k.version
              and m.item_id = k.item_id and m.location_id = k.location_id and m.version > k.version
              and m.recorded_at > k.recorded_at - interval '1 day'
              and m.type = 'policy' and m.detail ? 'before'
            order by m.version
            limit 1) p on true";

/// A stock level at one of its versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LevelKey {
    pub(crate) item_id: Uuid,
    pub(crate) location_id: String,
    pub(crate) version: RowVersion,
    /// When that version was written.
    pub(crate) recorded_at: Timestamp,
}

/// What was asked about a level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LevelThen {
    pub(crate) item_id: Uuid,
    pub(crate) location_id: String,
    /// The version that was asked for.
    pub(crate) asked: RowVersion,
    /// The version that the level has now.
    pub(crate) current: RowVersion,
    /// Settings at the version that was asked for.
    pub(crate) safety_stock: i64,
    pub(crate) reorder_point: i64,
    pub(crate) policy: String,
}

impl Rows {
    /// The items with these ids; unknown ones are left out.
    pub(crate) async fn items_by_id(&self, ids: &[Uuid]) -> Result<Vec<ItemRow>, RowSourceError> {
        let rows = bounded(self.client.query(ITEMS, &[&ids])).await?;
        rows.iter().map(item).collect()
    }

    /// The locations with these ids; unknown ones are left out.
    pub(crate) async fn locations_by_id(&self, ids: &[String]) -> Result<Vec<LocationRow>, RowSourceError> {
        let rows = bounded(self.client.query(LOCATIONS, &[&ids])).await?;
        rows.iter()
            .map(|row| {
                Ok(LocationRow {
                    id: row.try_get("id")?,
                    name: row.try_get("name")?,
                    kind: row.try_get("type")?,
                    priority: row.try_get("priority")?,
                    status: row.try_get("status")?,
                    version: RowVersion::new(row.try_get("version")?),
                })
            })
            .collect()
    }

    /// When these lots of these items expire, if ever; unknown ones are left out.
    pub(crate) async fn lots(
        &self,
        keys: &[(Uuid, String)],
    ) -> Result<Vec<(Uuid, String, Option<Timestamp>)>, RowSourceError> {
        let (items, codes): (Vec<Uuid>, Vec<&str>) = keys.iter().map(|(item, code)| (*item, code.as_str())).unzip();
        let rows = bounded(self.client.query(LOTS, &[&items, &codes])).await?;
        rows.iter()
            .map(|row| {
                Ok((
                    row.try_get("item_id")?,
                    row.try_get("code")?,
                    row.try_get("expires_at")?,
                ))
            })
            .collect()
    }

    /// These levels at these versions; unknown levels are left out.
    pub(crate) async fn levels_at(&self, keys: &[LevelKey]) -> Result<Vec<LevelThen>, RowSourceError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let items: Vec<Uuid> = keys.iter().map(|key| key.item_id).collect();
        let locations: Vec<&str> = keys.iter().map(|key| key.location_id.as_str()).collect();
        let versions: Vec<i64> = keys.iter().map(|key| key.version.get()).collect();
        let times: Vec<Timestamp> = keys.iter().map(|key| key.recorded_at).collect();
        let rows = bounded(self.client.query(LEVELS, &[&items, &locations, &versions, &times])).await?;
        rows.iter()
            .map(|row| {
                Ok(LevelThen {
                    item_id: row.try_get("item_id")?,
                    location_id: row.try_get("location_id")?,
                    asked: RowVersion::new(row.try_get("asked")?),
                    current: RowVersion::new(row.try_get("version")?),
                    safety_stock: row.try_get("safety_stock")?,
                    reorder_point: row.try_get("reorder_point")?,
                    policy: row.try_get("policy")?,
                })
            })
            .collect()
    }
}
