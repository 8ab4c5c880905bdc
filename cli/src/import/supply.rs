//! Where the stock comes from, since order files only say where it goes.
//!
//! The rule: at the beginning of the day of its first line an item opens with its demand of the first N days (14 unless
//! told otherwise; the day itself is one of them). Every 7 days after that, until the day of its last line, it is
//! replenished with 7 times its average daily demand so far, rounded. Demand is what priced sale lines ask for. Whoever
//! sells more than before runs short, as in life.

use jiff::ToSpan;
use jiff::civil::Date;

use super::catalogue::{Catalogue, ItemFacts};

/// Days between two replenishments.
const PERIOD: i64 = 7;
/// As much as one line may ask for; keeps every balance in range whatever the file says.
const MOST_UNITS: i64 = 1_000_000_000;

/// Goods that come in at the beginning of a day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Receipts {
    /// First stock of items that appear on this day.
    pub(crate) opening: Vec<(String, i64)>,
    /// Replenishments.
    pub(crate) replenishment: Vec<(String, i64)>,
}

/// What comes in on a day, in sku order.
pub(crate) fn receipts(catalogue: &Catalogue, day: Date, days_of_stock: u16) -> Receipts {
    let mut receipts = Receipts::default();
    for (sku, item) in &catalogue.items {
        let (Some(first), Some(last)) = (item.first_day, item.last_day) else {
            continue;
        };
        let age = days_between(first, day);
        if age == 0 {
            push(&mut receipts.opening, sku, opening(item, first, days_of_stock));
        } else if age > 0 && age % PERIOD == 0 && day <= last {
            push(&mut receipts.replenishment, sku, replenishment(item, day, age));
        }
    }
    receipts.opening.sort_unstable();
    receipts.replenishment.sort_unstable();
    receipts
}

fn push(list: &mut Vec<(String, i64)>, sku: &str, units: i64) {
    if units > 0 {
        list.push((sku.to_owned(), units.min(MOST_UNITS)));
    }
}

fn opening(item: &ItemFacts, first: Date, days: u16) -> i64 {
    let end = first.saturating_add(i32::from(days).days());
    sum(item.demand.range(first..end).map(|(_, units)| *units))
}

/// 7 days of the average so far, rounded to the nearest.
fn replenishment(item: &ItemFacts, day: Date, age: i64) -> i64 {
    let so_far = sum(item.demand.range(..day).map(|(_, units)| *units));
    let doubled = so_far.saturating_mul(PERIOD).saturating_mul(2).saturating_add(age);
    doubled.checked_div(age.saturating_mul(2)).unwrap_or(0)
}

fn sum(units: impl Iterator<Item = i64>) -> i64 {
    units.fold(0, i64::saturating_add)
}

fn days_between(from: Date, to: Date) -> i64 {
    to.duration_since(from).as_hours().div_euclid(24)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::super::catalogue::tests::catalogue;
    use super::*;

    fn orders() -> Catalogue {
        catalogue(
            "1,90001,LAMP,3,2021-03-01T08:00:00,1,,N\n\
             2,90001,LAMP,4,2021-03-14T08:00:00,1,,N\n\
             2,90002,CUP,5,2021-03-14T08:00:00,1,,N\n\
             3,90001,LAMP,9,2021-03-15T08:00:00,1,,N\n\
             4,90001,broken,-50,2021-03-15T08:00:00,0,,N\n\
             5,90001,LAMP,1,2021-03-30T08:00:00,1,,N\n",
        )
    }

    #[test]
    fn an_item_opens_with_the_demand_of_its_first_days() {
        let found = receipts(&orders(), date(2021, 3, 1), 14);
        assert_eq!(found.opening, [("90001".to_owned(), 7)]);
        assert!(found.replenishment.is_empty());
        assert_eq!(
            receipts(&orders(), date(2021, 3, 1), 1).opening,
            [("90001".to_owned(), 3)]
        );
        assert_eq!(receipts(&orders(), date(2021, 3, 1), 0).opening, []);
        assert_eq!(
            receipts(&orders(), date(2021, 3, 14), 14).opening,
            [("90002".to_owned(), 5)]
        );
    }

    #[test]
    fn it_is_replenished_every_week_by_what_was_sold_before() {
        // Day 8: 3 sold in 7 days. Day 15: 7 in 14, the orders of the day itself do not count. Day 22: 16 in 21.
        for (day, units) in [(8, 3), (15, 4), (22, 5)] {
            let found = receipts(&orders(), date(2021, 3, day), 14);
            assert_eq!(found.replenishment, [("90001".to_owned(), units)], "{day}");
        }
        for day in [2, 7, 9, 16] {
            assert_eq!(
                receipts(&orders(), date(2021, 3, day), 14),
                Receipts::default(),
                "{day}"
            );
        }
    }

    #[test]
    fn it_ends_with_the_last_line() {
        assert_eq!(receipts(&orders(), date(2021, 3, 29), 14).replenishment.len(), 1);
        assert_eq!(receipts(&orders(), date(2021, 4, 5), 14), Receipts::default());
        // The cup was asked for on one day only.
        assert_eq!(receipts(&orders(), date(2021, 3, 21), 14), Receipts::default());
    }
}
