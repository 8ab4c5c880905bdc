//! One way through everything: which keys are suspected to differ.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use jiff::Timestamp;
use onhand_cdc::envelope::StockLevelRow;
use tokio::time::Instant;
use uuid::Uuid;

use super::digest::{Lines, Slot, parts};
use super::ledger::Replayed;
use super::movements;
use super::redis::{Hash, check, is_sound, strange};
use super::report::{Finding, Kind, Place, Report};
use super::search::{Doc, Expected, item, judge, stock, summary};
use super::source::{LevelDigest, SummaryDigest};
use super::{Options, Store, Verifier, VerifyError};
use crate::search::Month;

/// Keys that are looked at again in one run. More of them are no matter of single keys; the next run goes on.
const MAX_SUSPECTS: usize = 200_000;

/// Between two looks at a read model that is being filled.
const FILLING_PAUSE: Duration = Duration::from_millis(500);

/// What one way through found.
#[derive(Debug, Default)]
pub(super) struct Suspects {
    pub(super) findings: Vec<Finding>,
    /// Stores of which nothing can be said, and why.
    pub(super) unknown: BTreeMap<Store, String>,
}

impl Suspects {
    /// Whether there is no room for more.
    pub(super) fn is_full(&self) -> bool {
        self.findings.len() >= MAX_SUSPECTS
    }

    pub(super) fn add(&mut self, findings: impl IntoIterator<Item = Finding>) {
        for finding in findings {
            if !self.is_full() {
                self.findings.push(finding);
            } else {
                let why = "more keys differ than one run looks at".to_owned();
                self.unknown.insert(finding.place.store(), why);
            }
        }
    }
}

/// What the stores hold of one page.
#[derive(Default)]
struct Held {
    hashes: HashMap<Uuid, Hash>,
    cached: Lines,
    items: HashMap<String, Doc>,
    stock: HashMap<String, Doc>,
    indexed: Lines,
    summaries: HashMap<String, Doc>,
    summed: Lines,
}

/// Buckets of one page that differ.
struct Differing {
    cache: BTreeSet<Slot>,
    stock: BTreeSet<Slot>,
    summaries: BTreeSet<Slot>,
}

/// Which stores are ready to be asked.
#[derive(Clone, Copy)]
struct Asked {
    cache: bool,
    search: bool,
}

impl Verifier {
    pub(super) async fn scan(&self, options: &Options, report: &mut Report) -> Result<Suspects, VerifyError> {
        let mut suspects = Suspects::default();
        let (asked, months) = self.asked(options.wait, report, &mut suspects).await?;
        let mut after = Uuid::nil();
        loop {
            let started = Instant::now();
            let items = self.source.page(after, i64::from(options.page_items)).await?;
            let Some(last) = items.last() else { break };
            after = *last;
            self.page(&items, asked, options.turn, report, &mut suspects).await?;
            pause(started.elapsed(), options.duty_percent).await;
        }
        if asked.cache {
            self.cache_strangers(options, &mut suspects).await?;
        }
        if asked.search {
            for place in [Place::Items, Place::Stock, Place::Summaries] {
                self.index_strangers(place, options, &mut suspects).await?;
            }
            self.compare_movements(&months, options, report, &mut suspects).await?;
        }
        Ok(suspects)
    }

    /// A read model that is being filled is behind, not wrong: it is waited for.
    async fn asked(
        &self,
        wait: Duration,
        report: &mut Report,
        suspects: &mut Suspects,
    ) -> Result<(Asked, Vec<Month>), VerifyError> {
        let mut asked = Asked {
            cache: self.cache.is_some(),
            search: self.search.is_some(),
        };
        report.store(Store::Ledger);
        if asked.cache {
            report.store(Store::Redis);
        }
        if asked.search {
            report.store(Store::Elasticsearch);
        }
        let deadline = Instant::now() + wait;
        let mut cold = self.cold().await?;
        let (mut months, mut filling) = self.months().await?;
        while !(cold.is_empty() && filling.is_empty()) && Instant::now() < deadline {
            tokio::time::sleep(FILLING_PAUSE).await;
            cold = self.cold().await?;
            (months, filling) = self.months().await?;
        }
        if let Some(month) = filling.first() {
            let why = format!("its movements of {month} are being filled");
            suspects.unknown.insert(Store::Elasticsearch, why);
        }
        for store in cold {
            match store {
                Store::Redis => asked.cache = false,
                Store::Elasticsearch => asked.search = false,
                Store::Ledger => {}
            }
            suspects.unknown.insert(store, "it is being filled".to_owned());
        }
        Ok((asked, months))
    }

    /// Read models that were not filled yet, or have to be filled anew.
    pub(super) async fn cold(&self) -> Result<Vec<Store>, VerifyError> {
        let mut cold = Vec::new();
        if let Some(cache) = &self.cache
            && !cache.is_warm().await?
        {
            cold.push(Store::Redis);
        }
        if let Some(search) = &self.search
            && !search.is_warm().await?
        {
            cold.push(Store::Elasticsearch);
        }
        Ok(cold)
    }

    async fn page(
        &self,
        items: &[Uuid],
        asked: Asked,
        turn: Option<u8>,
        report: &mut Report,
        suspects: &mut Suspects,
    ) -> Result<(), VerifyError> {
        let (levels, summaries) =
            tokio::try_join!(self.source.level_digests(items), self.source.summary_digests(items))?;
        let in_turn: Vec<Uuid> = items
            .iter()
            .copied()
            .filter(|item| turn.is_none_or(|turn| Slot::of(*item).is_turn(turn)))
            .collect();
        let (held, ledger) = tokio::try_join!(self.held(items, asked, &levels, &summaries), self.replay(&in_turn))?;
        let differing = Differing {
            cache: differing(
                asked.cache,
                &held.cached,
                levels.iter().map(|bucket| (bucket.slot, bucket.cache.as_slice())),
            ),
            stock: differing(
                asked.search,
                &held.indexed,
                levels.iter().map(|bucket| (bucket.slot, bucket.stock.as_slice())),
            ),
            summaries: differing(
                asked.search,
                &held.summed,
                summaries
                    .iter()
                    .map(|bucket| (bucket.slot, bucket.summaries.as_slice())),
            ),
        };
        count(report, items, asked, &levels, &summaries, &differing);
        report.movements = report.movements.saturating_add(ledger.movements);
        ledger.findings.iter().for_each(|finding| report.add(finding, false));
        suspects.add(self.descend(items, &held, &differing).await?);
        if asked.search {
            // Their large texts and free JSON have no cheap common form, and the catalogue is small beside the stock.
            let rows = self.source.items(items).await?;
            let expected: Vec<Expected> = rows.iter().map(item).collect();
            suspects.add(judged(&expected, &held.items));
        }
        Ok(())
    }

    async fn replay(&self, items: &[Uuid]) -> Result<Replayed, VerifyError> {
        if items.is_empty() {
            return Ok(Replayed::default());
        }
        self.source.ledger(items).await
    }

    /// Reads what the stores have of a page, all at once.
    async fn held(
        &self,
        items: &[Uuid],
        asked: Asked,
        levels: &[LevelDigest],
        summaries: &[SummaryDigest],
    ) -> Result<Held, VerifyError> {
        let mut held = Held::default();
        let hashes = async {
            match &self.cache {
                Some(cache) if asked.cache => Ok::<_, VerifyError>(cache.hashes(items).await?),
                _ => Ok(Vec::new()),
            }
        };
        let documents = async {
            let Some(search) = self.search.as_ref().filter(|_| asked.search) else {
                return Ok(Default::default());
            };
            let stock: Vec<&String> = levels.iter().flat_map(|bucket| &bucket.keys).collect();
            let summed: Vec<&String> = summaries.iter().flat_map(|bucket| &bucket.keys).collect();
            let named: Vec<String> = items.iter().map(Uuid::to_string).collect();
            Ok::<_, VerifyError>((
                search.documents(Place::Stock, &stock).await?,
                search.documents(Place::Summaries, &summed).await?,
                search.documents(Place::Items, &named).await?,
            ))
        };
        let (hashes, (stock, summaries, items)) = tokio::try_join!(hashes, documents)?;
        let now = Timestamp::now();
        for (item, hash) in hashes {
            held.cached.add_hash(item, &hash, is_sound(item, &hash, now));
            held.hashes.insert(item, hash);
        }
        stock.values().for_each(|doc| held.indexed.add_stock(doc));
        summaries.values().for_each(|doc| held.summed.add_summary(doc));
        (held.stock, held.summaries, held.items) = (stock, summaries, items);
        Ok(held)
    }

    /// Compares the keys of the buckets that differ.
    async fn descend(&self, items: &[Uuid], held: &Held, differing: &Differing) -> Result<Vec<Finding>, VerifyError> {
        let of = |slots: &BTreeSet<Slot>| -> Vec<Uuid> {
            let wanted = |item: &&Uuid| slots.contains(&Slot::of(**item));
            items.iter().filter(wanted).copied().collect()
        };
        let mut findings = Vec::new();
        let both: BTreeSet<Slot> = differing.cache.union(&differing.stock).copied().collect();
        if !both.is_empty() {
            let levels = self.source.levels(&of(&both)).await?;
            let now = Timestamp::now();
            let nothing = Hash::new();
            for (item, levels) in &levels {
                let slot = Slot::of(*item);
                if differing.cache.contains(&slot) {
                    let hash = held.hashes.get(item).unwrap_or(&nothing);
                    findings.extend(check(*item, levels, hash, now));
                }
                if differing.stock.contains(&slot) {
                    let expected: Vec<Expected> = levels.iter().map(stock).collect();
                    findings.extend(judged(&expected, &held.stock));
                }
            }
        }
        if !differing.summaries.is_empty() {
            let rows = self.source.summaries(&of(&differing.summaries)).await?;
            let expected: Vec<Expected> = rows.iter().map(summary).collect();
            findings.extend(judged(&expected, &held.summaries));
        }
        Ok(findings)
    }

    /// Hashes of items that Postgres does not know, and keys that are none.
    async fn cache_strangers(&self, options: &Options, suspects: &mut Suspects) -> Result<(), VerifyError> {
        let Some(cache) = &self.cache else { return Ok(()) };
        let mut cursor = 0;
        loop {
            let started = Instant::now();
            let (next, items, keys) = cache.scan(cursor).await?;
            suspects.add(keys.iter().map(|key| strange(key)));
            if !items.is_empty() {
                let unknown = self.source.unknown_items(&items).await?;
                let now = Timestamp::now();
                for (item, hash) in cache.hashes(&unknown).await? {
                    suspects.add(check(item, &[], &hash, now));
                }
            }
            if next == 0 {
                return Ok(());
            }
            cursor = next;
            pause(started.elapsed(), options.duty_percent).await;
        }
    }

    /// Documents that Postgres has no row for.
    async fn index_strangers(
        &self,
        place: Place,
        options: &Options,
        suspects: &mut Suspects,
    ) -> Result<(), VerifyError> {
        let Some(search) = &self.search else { return Ok(()) };
        let mut scan = search.scan(place).await?;
        loop {
            let started = Instant::now();
            let ids = scan.next().await?;
            if ids.is_empty() {
                return Ok(());
            }
            let unknown = self.unknown_documents(place, &ids).await?;
            suspects.add(unknown.into_iter().map(|id| extra(place, id)));
            pause(started.elapsed(), options.duty_percent).await;
        }
    }

    /// Those of the ids that no row has; what cannot be the id of a row is one of them.
    async fn unknown_documents(&self, place: Place, ids: &[String]) -> Result<Vec<String>, VerifyError> {
        if place == Place::Stock {
            let (keys, strange): (Vec<_>, Vec<_>) = ids.iter().partition(|id| parts(id).is_some());
            let (items, locations): (Vec<Uuid>, Vec<&str>) = keys.iter().filter_map(|id| parts(id)).unzip();
            let unknown = self.source.unknown_levels(&items, &locations).await?;
            let unknown = unknown.into_iter().map(|(item, location)| format!("{item}:{location}"));
            return Ok(strange.into_iter().cloned().chain(unknown).collect());
        }
        let (keys, strange): (Vec<_>, Vec<_>) = ids.iter().partition(|id| id.parse::<Uuid>().is_ok());
        let items: Vec<Uuid> = keys.iter().filter_map(|id| id.parse().ok()).collect();
        let unknown = match place {
            Place::Summaries => self.source.unknown_summaries(&items).await?,
            _ => self.source.unknown_items(&items).await?,
        };
        let unknown = unknown.into_iter().map(|item| item.to_string());
        Ok(strange.into_iter().cloned().chain(unknown).collect())
    }

    /// Looks at suspects again: what of them differs now, by key.
    pub(super) async fn look(&self, suspects: &[&Finding]) -> Result<HashMap<(Place, String), Finding>, VerifyError> {
        let mut seen = HashMap::new();
        for place in places(suspects.iter().copied()) {
            let wanted: Vec<&Finding> = suspects
                .iter()
                .copied()
                .filter(|finding| finding.place == place)
                .collect();
            for chunk in wanted.chunks(1_000) {
                let found = match place {
                    Place::Balance => continue,
                    Place::Hash => self.look_at_hashes(chunk).await?,
                    _ => self.look_at_documents(place, chunk).await?,
                };
                seen.extend(
                    found
                        .into_iter()
                        .map(|finding| ((finding.place, finding.id.clone()), finding)),
                );
            }
        }
        Ok(seen)
    }

    async fn look_at_hashes(&self, suspects: &[&Finding]) -> Result<Vec<Finding>, VerifyError> {
        let Some(cache) = &self.cache else {
            return Ok(Vec::new());
        };
        let items: Vec<Uuid> = distinct(suspects);
        let hashes = cache.hashes(&items).await?;
        let levels = self.source.levels(&items).await?;
        let now = Timestamp::now();
        let mut findings = Vec::new();
        for (item, hash) in hashes {
            let levels: &[StockLevelRow] = levels.get(&item).map_or(&[], Vec::as_slice);
            findings.extend(check(item, levels, &hash, now));
        }
        let keys: Vec<&str> = suspects
            .iter()
            .filter(|finding| finding.item.is_none())
            .map(|finding| finding.id.as_str())
            .collect();
        if !keys.is_empty() {
            let there = cache.existing(&keys).await?;
            let still = keys.iter().zip(there).filter(|(_, there)| *there);
            findings.extend(still.map(|(key, _)| strange(key)));
        }
        Ok(findings)
    }

    async fn look_at_documents(&self, place: Place, suspects: &[&Finding]) -> Result<Vec<Finding>, VerifyError> {
        let Some(search) = &self.search else {
            return Ok(Vec::new());
        };
        let ids: Vec<&str> = suspects.iter().map(|finding| finding.id.as_str()).collect();
        let documents = search.documents(place, &ids).await?;
        let expected = match place {
            Place::Movements(month) => match self.source.movements(month, &ids).await? {
                Some(lines) => by_id(lines.values().map(|line| movements::expected(month, line))),
                None => return Ok(Vec::new()),
            },
            _ => self.expected(place, &distinct(suspects)).await?,
        };
        let looked = ids
            .iter()
            .filter_map(|id| judge(place, id, expected.get(*id), documents.get(*id)));
        Ok(looked.collect())
    }

    /// What the documents of these items should be, by id.
    pub(super) async fn expected(
        &self,
        place: Place,
        items: &[Uuid],
    ) -> Result<HashMap<String, Expected>, VerifyError> {
        let expected: Vec<Expected> = match place {
            Place::Items => self.source.items(items).await?.iter().map(item).collect(),
            Place::Summaries => self.source.summaries(items).await?.iter().map(summary).collect(),
            _ => {
                let levels = self.source.levels(items).await?;
                levels.values().flatten().map(stock).collect()
            }
        };
        Ok(by_id(expected))
    }
}

/// The places of these findings, each once.
pub(super) fn places<'a>(findings: impl Iterator<Item = &'a Finding>) -> BTreeSet<Place> {
    findings.map(|finding| finding.place).collect()
}

fn by_id(expected: impl IntoIterator<Item = Expected>) -> HashMap<String, Expected> {
    let named = |document: Expected| (document.id.clone(), document);
    expected.into_iter().map(named).collect()
}

/// The items of these findings, each once.
pub(super) fn distinct(findings: &[&Finding]) -> Vec<Uuid> {
    let items: BTreeSet<Uuid> = findings.iter().filter_map(|finding| finding.item).collect();
    items.into_iter().collect()
}

fn judged(expected: &[Expected], documents: &HashMap<String, Doc>) -> Vec<Finding> {
    let judge = |document: &Expected| {
        judge(
            document.place,
            &document.id,
            Some(document),
            documents.get(&document.id),
        )
    };
    expected.iter().filter_map(judge).collect()
}

pub(super) fn extra(place: Place, id: String) -> Finding {
    Finding {
        place,
        item: id.split(':').next().and_then(|item| item.parse().ok()),
        id,
        kind: Kind::Extra,
        wanted: 0,
        held: 1,
        expected: String::new(),
        found: "a document".to_owned(),
    }
}

fn differing<'a>(asked: bool, lines: &Lines, expected: impl Iterator<Item = (Slot, &'a [u8])>) -> BTreeSet<Slot> {
    if asked {
        lines.differing(expected)
    } else {
        BTreeSet::new()
    }
}

fn count(
    report: &mut Report,
    items: &[Uuid],
    asked: Asked,
    levels: &[LevelDigest],
    summaries: &[SummaryDigest],
    differing: &Differing,
) {
    let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    report.items = report.items.saturating_add(number(items.len()));
    let keys: usize = levels.iter().map(|bucket| bucket.keys.len()).sum();
    report.levels = report.levels.saturating_add(number(keys));
    let stores = usize::from(asked.cache) + usize::from(asked.search);
    let buckets = levels.len() * stores + summaries.len() * usize::from(asked.search);
    report.buckets = report.buckets.saturating_add(number(buckets));
    let descended = differing.cache.len() + differing.stock.len() + differing.summaries.len();
    report.descended = report.descended.saturating_add(number(descended));
}

/// Pauses so long that only a share of the time was work.
pub(super) async fn pause(worked: Duration, duty_percent: u32) {
    if duty_percent < 100 {
        let rest = worked.saturating_mul(100 - duty_percent.clamp(1, 100)) / duty_percent.max(1);
        tokio::time::sleep(rest).await;
    }
}
