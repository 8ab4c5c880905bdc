//! Which of the suspects really differ.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use tokio::time::Instant;

use super::progress::Mark;
use super::report::{Finding, Kind, Place};
use super::scan::{Suspects, places};
use super::{Store, Verifier, VerifyError};

/// Between the first looks; what is on its way arrives within milliseconds.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// Between later looks: the slot is confirmed about once a second.
const LAST_PAUSE: Duration = Duration::from_secs(1);

/// What became of the suspects.
#[derive(Debug, Default)]
pub(super) struct Settled {
    /// They differ.
    pub(super) confirmed: Vec<Finding>,
    /// Nothing is known about them: the read model had no time.
    pub(super) behind: Vec<Finding>,
    /// Why not.
    pub(super) lag: BTreeMap<Store, String>,
}

/// What a look at a suspect says.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// It moved on as it should.
    Cleared,
    Confirmed,
    /// Too early to say; a later look is compared with this one.
    Pending(Finding),
}

impl Verifier {
    /// Looks at the suspects until each is known or time is up.
    pub(super) async fn settle(&self, suspects: Suspects, wait: Duration) -> Result<Settled, VerifyError> {
        let mut settled = Settled {
            lag: suspects.unknown,
            ..Settled::default()
        };
        let mut pending = suspects.findings;
        if pending.is_empty() {
            return Ok(settled);
        }
        let mut marks: BTreeMap<Store, Mark> = BTreeMap::new();
        for store in [Store::Redis, Store::Elasticsearch] {
            if let Some(mark) = self.progress.mark(&self.source, store).await? {
                marks.insert(store, mark);
            }
        }
        let deadline = Instant::now() + wait;
        let mut pause = FIRST_PAUSE;
        while !pending.is_empty() {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LAST_PAUSE);
            // The pipeline is asked first: what a look sees after that, counts.
            let late = self.late(&mut marks, &pending, pause >= LAST_PAUSE / 2).await?;
            let looked: Vec<&Finding> = pending.iter().collect();
            let mut seen = self.look(&looked).await?;
            pending = sort_out(pending, &mut seen, &late, &mut settled.confirmed);
            if Instant::now() >= deadline {
                settled
                    .lag
                    .extend(late.into_iter().filter(|(store, _)| has(&pending, *store)));
                break;
            }
        }
        settled.behind = pending;
        self.spare_cold(&mut settled).await?;
        Ok(settled)
    }

    /// Stores that have not reached their marks. The first looks do without asking: they clear nearly all.
    async fn late(
        &self,
        marks: &mut BTreeMap<Store, Mark>,
        pending: &[Finding],
        ask: bool,
    ) -> Result<BTreeMap<Store, String>, VerifyError> {
        let mut late = BTreeMap::new();
        for (store, mark) in marks {
            if !has(pending, *store) {
                continue;
            }
            if !ask {
                late.insert(*store, "not asked yet".to_owned());
            } else if let Err(why) = mark.reached(&self.source).await? {
                late.insert(*store, why);
            }
        }
        Ok(late)
    }

    /// A read model that was emptied meanwhile is behind, not wrong.
    async fn spare_cold(&self, settled: &mut Settled) -> Result<(), VerifyError> {
        for store in self.cold().await? {
            let (spared, kept) = std::mem::take(&mut settled.confirmed)
                .into_iter()
                .partition(|finding| finding.place.store() == store);
            settled.confirmed = kept;
            settled.behind.extend::<Vec<Finding>>(spared);
            settled.lag.insert(store, "it is being filled".to_owned());
        }
        self.spare_months(settled).await
    }

    /// Nor is a month that was emptied; and of one that is not kept any more nothing is wrong.
    async fn spare_months(&self, settled: &mut Settled) -> Result<(), VerifyError> {
        if !places(settled.confirmed.iter()).into_iter().any(is_month) {
            return Ok(());
        }
        let (filled, filling) = self.months().await?;
        for finding in std::mem::take(&mut settled.confirmed) {
            match finding.place {
                Place::Movements(month) if filling.contains(&month) => {
                    let why = format!("its movements of {month} are being filled");
                    settled.lag.insert(Store::Elasticsearch, why);
                    settled.behind.push(finding);
                }
                Place::Movements(month) if !filled.contains(&month) => {}
                _ => settled.confirmed.push(finding),
            }
        }
        Ok(())
    }
}

fn is_month(place: Place) -> bool {
    matches!(place, Place::Movements(_))
}

fn has(findings: &[Finding], store: Store) -> bool {
    findings.iter().any(|finding| finding.place.store() == store)
}

fn sort_out(
    pending: Vec<Finding>,
    seen: &mut HashMap<(Place, String), Finding>,
    late: &BTreeMap<Store, String>,
    confirmed: &mut Vec<Finding>,
) -> Vec<Finding> {
    let mut left = Vec::new();
    for first in pending {
        let (place, id) = first.key();
        let Some(now) = seen.remove(&(place, id.to_owned())) else {
            continue;
        };
        let arrived = !late.contains_key(&place.store());
        match verdict(first, &now, arrived) {
            Verdict::Cleared => {}
            Verdict::Confirmed => confirmed.push(now),
            Verdict::Pending(finding) => left.push(finding),
        }
    }
    left
}

/// What a later look says about a suspect. `arrived`: before it, everything had arrived that was committed at the first look.
fn verdict(first: Finding, now: &Finding, arrived: bool) -> Verdict {
    // No event has to come for these: the values of one version are one, and sums belong to the rows beside them.
    let certain = |finding: &Finding| finding.kind == Kind::Changed || (finding.wanted == 0 && finding.held == 0);
    if certain(now) {
        return if certain(&first) {
            Verdict::Confirmed
        } else {
            Verdict::Pending(now.clone())
        };
    }
    let moved = match (first.kind, now.kind) {
        (Kind::Missing | Kind::Stale, Kind::Missing | Kind::Stale) => now.held >= first.wanted,
        (Kind::Ahead, Kind::Ahead) => now.wanted >= first.held,
        (Kind::Extra, Kind::Extra) => false,
        // It differs in another way than before, so it moves; the next run sees where to.
        _ => true,
    };
    match (moved, arrived) {
        (true, _) => Verdict::Cleared,
        (false, true) => Verdict::Confirmed,
        (false, false) => Verdict::Pending(first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(kind: Kind, wanted: i64, held: i64) -> Finding {
        Finding {
            place: Place::Stock,
            item: None,
            id: "k".to_owned(),
            kind,
            wanted,
            held,
            expected: String::new(),
            found: String::new(),
        }
    }

    #[test]
    fn a_row_that_is_behind_is_stale_only_when_it_had_the_time() {
        let first = || finding(Kind::Stale, 7, 5);
        // It has reached what was wanted of it, and Postgres is ahead again.
        assert_eq!(verdict(first(), &finding(Kind::Stale, 9, 7), true), Verdict::Cleared);
        assert_eq!(
            verdict(first(), &finding(Kind::Stale, 9, 6), false),
            Verdict::Pending(first())
        );
        assert_eq!(verdict(first(), &finding(Kind::Stale, 9, 6), true), Verdict::Confirmed);
        let missing = || finding(Kind::Missing, 7, 0);
        assert_eq!(verdict(missing(), &finding(Kind::Stale, 9, 7), false), Verdict::Cleared);
        assert_eq!(
            verdict(missing(), &finding(Kind::Missing, 7, 0), true),
            Verdict::Confirmed
        );
    }

    #[test]
    fn a_read_model_newer_than_the_look_at_postgres_is_not_ahead_of_it() {
        let first = || finding(Kind::Ahead, 7, 8);
        assert_eq!(verdict(first(), &finding(Kind::Ahead, 8, 9), true), Verdict::Cleared);
        assert_eq!(
            verdict(first(), &finding(Kind::Ahead, 7, 8), false),
            Verdict::Pending(first())
        );
        assert_eq!(verdict(first(), &finding(Kind::Ahead, 7, 8), true), Verdict::Confirmed);
    }

    #[test]
    fn another_value_of_the_same_version_needs_no_waiting_but_a_second_look() {
        let changed = || finding(Kind::Changed, 7, 7);
        assert_eq!(verdict(changed(), &changed(), false), Verdict::Confirmed);
        assert_eq!(
            verdict(finding(Kind::Stale, 7, 5), &changed(), true),
            Verdict::Pending(changed())
        );
        // A sum beside its rows has no version.
        let sum = || finding(Kind::Missing, 0, 0);
        assert_eq!(verdict(sum(), &sum(), false), Verdict::Confirmed);
    }

    #[test]
    fn an_extra_key_waits_for_the_delete_that_may_be_on_its_way() {
        let extra = || finding(Kind::Extra, 0, 4);
        assert_eq!(verdict(extra(), &extra(), false), Verdict::Pending(extra()));
        assert_eq!(verdict(extra(), &extra(), true), Verdict::Confirmed);
        // The row is there after all.
        assert_eq!(verdict(extra(), &finding(Kind::Stale, 5, 4), true), Verdict::Cleared);
    }
}
