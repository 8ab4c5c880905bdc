//! What events need beside the movement: items, locations, lots and the thresholds of stock levels.
//!
//! Kept in tables of a bounded size. What a batch needs and no table holds is read from Postgres, with one query per table
//! and batch; changes of items and locations come by their topics and replace what is held. Thresholds are those that were in
//! force when the movement was written, whenever it is read, so an event that comes again is the same event. An item or a
//! location is read again after a minute: where several processes share the work, its changes may go to another one.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use onhand_cdc::envelope::{Operation, StockMovementRow};
use onhand_cdc::{Change, Envelope, RowVersion};
use tokio::time::sleep;
use uuid::Uuid;

use super::bounded::Bounded;
use super::config::PublishConfig;
use super::model::{Facts, Item, Place, Settings, named_lot, settings_change};
use crate::postgres::{LevelKey, LevelThen, RowSource, RowSourceError, Rows};
use crate::runtime::{Event, SinkError};

/// How long an item or a location counts as known without a word of it.
const MAX_AGE: Duration = Duration::from_secs(60);
/// Locations are few and small; lots are named by few movements.
const PLACE_TABLE_BYTES: usize = 512 * 1024;
const LOT_TABLE_BYTES: usize = 512 * 1024;
/// Bytes of a level beside the name of its location.
const LEVEL_BYTES: usize = size_of::<Level>() + size_of::<Uuid>() + size_of::<String>();
/// A row may be read a moment before the commit that is already in the log becomes visible. After so many looks it counts
/// as not there.
const LOOKS: u32 = 6;
/// Pause between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

pub(super) type LevelId = (Uuid, String);
pub(super) type LotId = (Uuid, String);

/// What is known of a stock level.
#[derive(Debug, Clone, Copy, Default)]
struct Level {
    known: Option<Known>,
    /// Newest version whose state was published.
    state: Option<RowVersion>,
}

/// A row and when it was last heard of.
#[derive(Debug)]
struct Seen<T> {
    row: Arc<T>,
    at: Instant,
}

impl<T> Seen<T> {
    fn now(row: T) -> Self {
        Self {
            row: Arc::new(row),
            at: Instant::now(),
        }
    }

    fn fresh(&self) -> Option<Arc<T>> {
        (self.at.elapsed() < MAX_AGE).then(|| Arc::clone(&self.row))
    }
}

/// Settings and the versions of the level that they were seen to hold at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    settings: Settings,
    span: Span,
}

/// Versions of a level without a gap: if one was missed (another process had the partition for a while), the settings may
/// have changed in it.
#[derive(Debug, Clone, Copy)]
struct Span {
    first: RowVersion,
    last: RowVersion,
}

impl Span {
    fn at(version: RowVersion) -> Self {
        Self {
            first: version,
            last: version,
        }
    }

    /// The span with this version, if nothing lies between them.
    fn with(self, version: RowVersion) -> Option<Self> {
        let next = self.last.get().saturating_add(1);
        (self.first <= version && version.get() <= next).then(|| Self {
            first: self.first,
            last: self.last.max(version),
        })
    }
}

/// The tables of one publisher.
#[derive(Debug)]
pub(super) struct Tables {
    rows: RowSource,
    low_stock: bool,
    items: Bounded<Uuid, Seen<Item>>,
    places: Bounded<String, Seen<Place>>,
    lots: Bounded<LotId, Option<Timestamp>>,
    levels: Bounded<LevelId, Level>,
    /// Newest version of each summary that was published.
    summaries: Bounded<Uuid, RowVersion>,
}

/// What the events of one part of a batch need, all at hand.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    items: HashMap<Uuid, Arc<Item>>,
    places: HashMap<String, Arc<Place>>,
    lots: HashMap<LotId, Option<Timestamp>>,
    /// By place in the part: settings before and after the movement.
    settings: HashMap<usize, (Settings, Settings)>,
    /// Version that levels have now, for rows that a snapshot read.
    current: HashMap<LevelId, RowVersion>,
    /// Settings to keep once the batch is through.
    learnt: HashMap<LevelId, Known>,
}

impl Tables {
    pub(super) fn new(rows: RowSource, config: &PublishConfig) -> Self {
        Self {
            rows,
            low_stock: config.has_low_stock(),
            items: Bounded::new(config.item_table_bytes),
            places: Bounded::new(PLACE_TABLE_BYTES),
            lots: Bounded::new(LOT_TABLE_BYTES),
            levels: Bounded::new(config.level_table_bytes),
            summaries: Bounded::new(config.level_table_bytes / 4),
        }
    }

    /// Takes the changes of items and locations, then brings together what the movements and summaries need.
    pub(super) async fn gather(&mut self, events: &[&Event]) -> Result<Gathered, SinkError> {
        for event in events {
            self.take(&event.change);
        }
        let mut gathered = Gathered::default();
        let missing = self.missing(events, &mut gathered);
        let levels = self.levels_to_read(events);
        if !missing.is_empty() || !levels.is_empty() {
            let rows = self.rows.open().await.map_err(|error| transient(&error))?;
            self.read(&rows, missing, &mut gathered)
                .await
                .map_err(|error| transient(&error))?;
            let levels = rows.levels_at(&levels).await.map_err(|error| transient(&error))?;
            self.settle(events, &levels, &mut gathered);
        } else {
            self.settle(events, &[], &mut gathered);
        }
        Ok(gathered)
    }

    /// Newest version whose state was published, as far as it is remembered.
    pub(super) fn state_of(&mut self, level: &LevelId) -> Option<RowVersion> {
        self.levels.get(level).and_then(|level| level.state)
    }

    /// Newest version of a summary that was published, as far as it is remembered.
    pub(super) fn summary_of(&mut self, item: Uuid) -> Option<RowVersion> {
        self.summaries.get(&item).copied()
    }

    /// Remembers what was published once it is confirmed.
    pub(super) fn remember(&mut self, states: Vec<(LevelId, RowVersion)>, summaries: Vec<(Uuid, RowVersion)>) {
        for (id, version) in states {
            self.change(id, |level| level.state = level.state.max(Some(version)));
        }
        for (item, version) in summaries {
            self.summaries
                .insert(item, version, size_of::<Uuid>() + size_of::<RowVersion>());
        }
    }

    /// Remembers the settings that a part of a batch has met.
    pub(super) fn learn(&mut self, gathered: Gathered) {
        for (id, known) in gathered.learnt {
            self.change(id, |level| level.known = Some(known));
        }
    }

    fn change(&mut self, id: LevelId, change: impl FnOnce(&mut Level)) {
        let mut level = self.levels.peek(&id).copied().unwrap_or_default();
        change(&mut level);
        let bytes = LEVEL_BYTES + id.1.len();
        self.levels.insert(id, level, bytes);
    }

    /// What is held is replaced by a newer row, and forgotten if the row cannot be used. What is not held is not taken in:
    /// most items never move while this process lives.
    fn take(&mut self, change: &Change) {
        match change {
            Change::Item(envelope) => {
                let Some(row) = row_of(envelope) else { return };
                if self
                    .items
                    .peek(&row.id)
                    .is_some_and(|held| held.row.version < row.version)
                {
                    match Item::from_row(row) {
                        Some(item) => self.keep_item(item),
                        None => self.items.remove(&row.id),
                    }
                }
            }
            Change::Location(envelope) => {
                let Some(row) = row_of(envelope) else { return };
                if self
                    .places
                    .peek(&row.id)
                    .is_some_and(|held| held.row.version < row.version)
                {
                    self.keep_place(row.id.clone(), Place::from_row(row));
                }
            }
            _ => {}
        }
    }

    fn keep_item(&mut self, item: Item) {
        let bytes = item.bytes();
        self.items.insert(item.id, Seen::now(item), bytes);
    }

    fn keep_place(&mut self, id: String, place: Place) {
        let bytes = place.bytes() + 2 * id.len();
        self.places.insert(id, Seen::now(place), bytes);
    }

    /// Gathers what the tables hold and answers what they do not.
    fn missing(&mut self, events: &[&Event], gathered: &mut Gathered) -> Missing {
        let mut missing = Missing::default();
        for event in events {
            let Some(item) = item_of(&event.change) else { continue };
            match self.items.get(&item).and_then(Seen::fresh) {
                Some(found) => drop(gathered.items.insert(item, found)),
                None => drop(missing.items.insert(item)),
            }
            let Some(movement) = movement_of(&event.change) else {
                continue;
            };
            match self.places.get(&movement.location_id).and_then(Seen::fresh) {
                Some(found) => drop(gathered.places.insert(movement.location_id.clone(), found)),
                None => drop(missing.places.insert(movement.location_id.clone())),
            }
            let Some(lot) = named_lot(movement.detail.as_deref()) else {
                continue;
            };
            let lot = (movement.item_id, lot);
            match self.lots.get(&lot) {
                Some(found) => drop(gathered.lots.insert(lot, *found)),
                None => drop(missing.lots.insert(lot)),
            }
        }
        missing
    }

    /// Reads what is missing, until it is there or has not been there for a while.
    async fn read(&mut self, rows: &Rows, mut missing: Missing, gathered: &mut Gathered) -> Result<(), RowSourceError> {
        for look in 0..LOOKS {
            if missing.is_empty() {
                return Ok(());
            }
            if look > 0 {
                sleep(LOOK_AGAIN).await;
            }
            self.look(rows, &mut missing, gathered).await?;
        }
        Ok(())
    }

    async fn look(
        &mut self,
        rows: &Rows,
        missing: &mut Missing,
        gathered: &mut Gathered,
    ) -> Result<(), RowSourceError> {
        if !missing.items.is_empty() {
            let ids: Vec<Uuid> = missing.items.iter().copied().collect();
            for item in rows.items_by_id(&ids).await?.iter().filter_map(Item::from_row) {
                missing.items.remove(&item.id);
                gathered.items.insert(item.id, Arc::new(item.clone()));
                self.keep_item(item);
            }
        }
        if !missing.places.is_empty() {
            let ids: Vec<String> = missing.places.iter().cloned().collect();
            for row in rows.locations_by_id(&ids).await? {
                let place = Place::from_row(&row);
                missing.places.remove(&row.id);
                gathered.places.insert(row.id.clone(), Arc::new(place.clone()));
                self.keep_place(row.id, place);
            }
        }
        if !missing.lots.is_empty() {
            let ids: Vec<LotId> = missing.lots.iter().cloned().collect();
            for (item, code, expires_at) in rows.lots(&ids).await? {
                let id = (item, code);
                missing.lots.remove(&id);
                gathered.lots.insert(id.clone(), expires_at);
                let bytes = size_of::<LotId>() + id.1.len();
                self.lots.insert(id, expires_at, bytes);
            }
        }
        Ok(())
    }

    /// The levels whose settings, or whose present version, must be read. A level is read once for all its movements here
    /// unless some are missing between them.
    fn levels_to_read(&mut self, events: &[&Event]) -> Vec<LevelKey> {
        let mut spans: HashMap<LevelId, Span> = HashMap::new();
        let mut keys = Vec::new();
        for event in events {
            let Some(movement) = movement_of(&event.change) else {
                continue;
            };
            let id = level_of(movement);
            let span = spans
                .get(&id)
                .copied()
                .or_else(|| self.known(&id).map(|known| known.span));
            let longer = span.and_then(|span| span.with(movement.version));
            match (self.need(event, movement), longer) {
                (Need::Current, _) => keys.push(level_key(movement)),
                (Need::Detail, _) => drop(spans.insert(id, Span::at(movement.version))),
                (_, Some(longer)) => drop(spans.insert(id, longer)),
                (Need::Nothing, None) => {}
                (Need::Settings, None) => {
                    spans.insert(id, Span::at(movement.version));
                    keys.push(level_key(movement));
                }
            }
        }
        keys
    }

    fn known(&self, id: &LevelId) -> Option<Known> {
        self.levels.peek(id).and_then(|level| level.known)
    }

    fn need(&self, event: &Event, movement: &StockMovementRow) -> Need {
        if event.change.operation() == Operation::Read {
            Need::Current
        } else if !self.low_stock {
            Need::Nothing
        } else if movement.kind == "policy" {
            Need::Detail
        } else if movement.on_hand_delta < movement.reserved_delta {
            Need::Settings
        } else {
            Need::Nothing
        }
    }

    /// Gives each movement that needs them the settings before and after it: the same walk again, with what was read.
    fn settle(&mut self, events: &[&Event], read: &[LevelThen], gathered: &mut Gathered) {
        let mut then: HashMap<(LevelId, RowVersion), Settings> = HashMap::new();
        for level in read {
            let id = (level.item_id, level.location_id.clone());
            gathered.current.insert(id.clone(), level.current);
            let settings = Settings::new(level.safety_stock, level.reorder_point, &level.policy);
            then.insert((id, level.asked), settings);
        }
        for (index, event) in events.iter().enumerate() {
            let Some(movement) = movement_of(&event.change) else {
                continue;
            };
            let id = level_of(movement);
            let need = self.need(event, movement);
            let before = gathered.learnt.get(&id).copied().or_else(|| self.known(&id));
            let longer = before.and_then(|known| Some((known.settings, known.span.with(movement.version)?)));
            let found = match need {
                Need::Current => continue,
                Need::Detail => settings_change(movement.detail.as_deref()).map(|(before, after)| {
                    gathered.settings.insert(index, (before, after));
                    (after, Span::at(movement.version))
                }),
                Need::Nothing => longer,
                Need::Settings => {
                    let read = || Some((*then.get(&(id.clone(), movement.version))?, Span::at(movement.version)));
                    let found = longer.or_else(read);
                    if let Some((settings, _)) = found {
                        gathered.settings.insert(index, (settings, settings));
                    }
                    found
                }
            };
            if let Some((settings, span)) = found {
                gathered.learnt.insert(id, Known { settings, span });
            }
        }
    }
}

impl Gathered {
    /// The item, if the catalogue has it.
    pub(super) fn item(&self, id: Uuid) -> Option<&Item> {
        self.items.get(&id).map(Arc::as_ref)
    }

    /// A movement with all that is known around it; none if it has no time.
    pub(super) fn facts<'a>(&'a self, movement: &'a StockMovementRow, item: &'a Item) -> Option<Facts<'a>> {
        let mut facts = Facts::new(movement, item)?;
        facts.place = self.places.get(&movement.location_id).map(Arc::as_ref);
        facts.lot = named_lot(movement.detail.as_deref())
            .and_then(|code| self.lots.get_key_value(&(movement.item_id, code)))
            .map(|(id, expires_at)| (id.1.as_str(), *expires_at));
        Some(facts)
    }

    /// Settings before and after the movement at this place of the part, where they matter.
    pub(super) fn settings(&self, index: usize) -> Option<(Settings, Settings)> {
        self.settings.get(&index).copied()
    }

    /// The version that a level has now, if a snapshot read one of its movements.
    pub(super) fn current(&self, level: &LevelId) -> Option<RowVersion> {
        self.current.get(level).copied()
    }
}

/// What has to be read of a level for a movement.
enum Need {
    Nothing,
    /// The movement says itself what the settings became.
    Detail,
    /// The settings, because the movement took from what is available.
    Settings,
    /// The version that the level has now.
    Current,
}

#[derive(Debug, Default)]
struct Missing {
    items: BTreeSet<Uuid>,
    places: BTreeSet<String>,
    lots: HashSet<LotId>,
}

impl Missing {
    fn is_empty(&self) -> bool {
        self.items.is_empty() && self.places.is_empty() && self.lots.is_empty()
    }
}

pub(super) fn level_of(movement: &StockMovementRow) -> LevelId {
    (movement.item_id, movement.location_id.clone())
}

fn level_key(movement: &StockMovementRow) -> LevelKey {
    LevelKey {
        item_id: movement.item_id,
        location_id: movement.location_id.clone(),
        version: movement.version,
        recorded_at: movement.recorded_at.unwrap_or(Timestamp::UNIX_EPOCH),
    }
}

/// The row that a change leaves.
fn row_of<R>(envelope: &Envelope<R>) -> Option<&R> {
    envelope.after.as_ref()
}

pub(super) fn movement_of(change: &Change) -> Option<&StockMovementRow> {
    match change {
        Change::StockMovement(envelope) => row_of(envelope),
        _ => None,
    }
}

/// The item that a record to publish is about.
fn item_of(change: &Change) -> Option<Uuid> {
    match change {
        Change::StockMovement(envelope) => row_of(envelope).map(|row| row.item_id),
        Change::StockSummary(envelope) => row_of(envelope).or(envelope.before.as_ref()).map(|row| row.item_id),
        _ => None,
    }
}

fn transient(error: &RowSourceError) -> SinkError {
    SinkError::Transient(error.to_string())
}

#[cfg(test)]
mod tests;
