//! Parts a to d: reservations per second, by the one-command function, in calls of many, and by a hand-written peer.

use anyhow::Result;

use super::super::figures::ratio;
use super::super::report::{Comparison, Goal, Part};
use super::contest::{self, Pace};
use super::load::{Load, Rows, Way, Write};
use super::server::{Database, Server};
use super::{Letter, Letters};

/// Connections of a load that sends one command at a time.
pub(super) const MANY: usize = 16;
/// Commands in one call.
const SIZES: [u16; 3] = [10, 100, 500];
/// Connections of a load in calls: two keep two processors busy on spread rows; on one row a second would only wait.
pub(super) const fn callers(rows: Rows) -> usize {
    match rows {
        Rows::Spread => 2,
        Rows::Hot => 1,
    }
}

/// Commands in one call of a shop: some 3,000 a second come together like this in 10 ms.
const SHOP_SIZE: u16 = 30;
const SHOP: &str = "a shop's mix in calls of 30, 2 clients";
const SHOP_ANY_WAY: &str = "the same, decided as any batch";
const ONE_COMMAND: &str = "api.reserve_stock, 16 clients";
const PEER: &str = "peer: begin, 4 statements, commit, 16 clients";
const PEER_IN_ONE: &str = "peer in one statement, 16 clients";

/// Name of the load in calls of so many.
pub(super) fn calls(size: u16, rows: Rows) -> String {
    let clients = match rows {
        Rows::Spread => "2 clients",
        Rows::Hot => "1 client",
    };
    format!("api.apply_commands of {size}, {clients}")
}

/// Reservations all over the table, or of one row; only those contenders that were asked for.
pub(super) async fn run(
    server: &Server,
    database: &Database,
    (rows, letters): (Rows, &Letters),
    pace: Pace,
) -> Result<Part> {
    let one_command = match rows {
        Rows::Spread => Letter::A,
        Rows::Hot => Letter::B,
    };
    let mut wanted: Vec<(Letter, String, Write, usize)> = vec![
        (one_command, ONE_COMMAND.into(), Write::OneCommand, MANY),
        (Letter::D, PEER.into(), Write::Peer, MANY),
        (Letter::D, PEER_IN_ONE.into(), Write::PeerInOneStatement, MANY),
    ];
    wanted.extend(SIZES.map(|size| (Letter::C, calls(size, rows), Write::Calls(size), callers(rows))));
    if rows == Rows::Spread {
        let shops = [(SHOP, Way::Short), (SHOP_ANY_WAY, Way::Any)];
        wanted
            .extend(shops.map(|(name, way)| (Letter::C, name.to_owned(), Write::Shop(SHOP_SIZE, way), callers(rows))));
    }
    wanted.retain(|(letter, ..)| letters.contains(letter));
    let mut loads = Vec::new();
    let mut title = Letters::new();
    for (letter, name, write, clients) in wanted {
        title.insert(letter);
        loads.push(Load::open(name, database, (write, rows), clients).await?);
    }
    let mut part = Part::new(
        super::joined(&title),
        match rows {
            Rows::Spread => "reservations spread over 200,000 rows",
            Rows::Hot => "reservations of one row",
        },
    );
    part.contenders = contest::run(server, &loads, pace).await?;
    part.comparisons = comparisons(&part, rows);
    Ok(part)
}

/// Everything against what it is meant to replace: spread rows against the one-command function, one row against the peer.
fn comparisons(part: &Part, rows: Rows) -> Vec<Comparison> {
    let (against, goal) = match rows {
        Rows::Spread => (ONE_COMMAND, Goal::AtLeast(3.0)),
        Rows::Hot => (PEER, Goal::AtLeast(30.0)),
    };
    let mut comparisons = Vec::new();
    if let (Some(short), Some(any)) = (part.median(SHOP), part.median(SHOP_ANY_WAY)) {
        let name = format!("{SHOP} / {SHOP_ANY_WAY}");
        comparisons.push(Comparison::plain(name, ratio(short, any)));
    }
    let Some(base) = part.median(against) else {
        return comparisons;
    };
    let others = part
        .contenders
        .iter()
        .filter(|contender| ![against, SHOP, SHOP_ANY_WAY].contains(&contender.name.as_str()))
        .map(|contender| {
            let name = format!("{} / {against}", contender.name);
            let ratio = ratio(contender.series.median(), base);
            if contender.name == calls(100, rows) {
                Comparison::with_goal(name, ratio, goal)
            } else {
                Comparison::plain(name, ratio)
            }
        });
    comparisons.extend(others);
    // A slow one-command function would make calls of many look good: the peer tells what both are worth.
    if let (Rows::Spread, Some(peer), Some(hundred)) = (rows, part.median(PEER), part.median(&calls(100, rows))) {
        comparisons.push(Comparison::plain(
            format!("{} / {PEER}", calls(100, rows)),
            ratio(hundred, peer),
        ));
    }
    comparisons
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::super::figures::Series;
    use super::super::super::report::{Contender, Unit, goals};
    use super::*;

    fn part(contenders: &[(&str, f64)]) -> Part {
        let mut part = Part::new("x", "x");
        for (name, rate) in contenders {
            part.contenders.push(Contender {
                name: (*name).to_owned(),
                unit: Unit::Rate,
                series: Series::new(vec![*rate]).unwrap(),
            });
        }
        part
    }

    #[test]
    fn only_calls_of_a_hundred_have_a_goal() {
        let (ten, hundred) = (calls(10, Rows::Hot), calls(100, Rows::Hot));
        let mut hot = part(&[(ONE_COMMAND, 3e3), (PEER, 2e3), (&ten, 2e4), (&hundred, 7e4)]);
        hot.comparisons = comparisons(&hot, Rows::Hot);
        assert_eq!(hot.comparisons.len(), 3);
        assert_eq!(goals(&[hot]), (1, 1));
        let mut spread = part(&[(ONE_COMMAND, 2e4), (PEER, 1e4), (&calls(100, Rows::Spread), 5e4)]);
        spread.comparisons = comparisons(&spread, Rows::Spread);
        assert_eq!(spread.comparisons.len(), 3);
        assert_eq!(goals(&[spread]), (1, 0));
    }

    #[test]
    fn without_the_peer_nothing_is_compared() {
        assert!(comparisons(&part(&[(&calls(100, Rows::Hot), 7e4)]), Rows::Hot).is_empty());
    }

    #[test]
    fn the_ways_of_a_shops_mix_are_compared_with_each_other_alone() {
        let shops = part(&[(SHOP, 2e4), (SHOP_ANY_WAY, 1e4), (ONE_COMMAND, 2e3)]);
        let found = comparisons(&shops, Rows::Spread);
        assert_eq!(found.len(), 1);
    }
}
