//! What a line means for the stock.

use super::catalogue::Catalogue;
use super::record::Record;

/// What a line does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Goods leave: part of the reservation of its invoice.
    Sale,
    /// Goods come back.
    Return,
    /// Goods are lost, damaged, given away or were never there.
    WriteOff,
    /// Goods are found.
    WriteOn,
}

/// Tells what a line does:
/// - on a cancellation: a return;
/// - a negative quantity elsewhere: a write-off;
/// - a price or a customer: a sale;
/// - neither, but described as on priced lines of the item before: a sale (a gift, or its price was left out);
/// - neither, and described otherwise or not at all: a write-on, such as "found".
pub(crate) fn kind(record: &Record, catalogue: &Catalogue) -> Kind {
    if record.cancellation {
        Kind::Return
    } else if record.quantity < 0 {
        Kind::WriteOff
    } else if record.priced
        || record.customer.is_some()
        || catalogue
            .items
            .get(&record.sku)
            .is_some_and(|item| item.is_name(&record.description, record.line))
    {
        Kind::Sale
    } else {
        Kind::WriteOn
    }
}

/// Why an adjustment was made, as the ledger says it.
pub(crate) fn reason(kind: Kind, description: &str) -> String {
    match (description, kind) {
        ("", Kind::WriteOn) => "write-on".to_owned(),
        ("", _) => "write-off".to_owned(),
        (description, _) => description.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::catalogue::tests::catalogue;
    use super::super::record;
    use super::*;

    fn kind_of(line: &str) -> Kind {
        let catalogue = catalogue("1,90001,LAMP,1,2021-03-01T08:00:00,1,,N\n");
        kind(
            &record::read(3, line.as_bytes(), &catalogue.columns).unwrap(),
            &catalogue,
        )
    }

    #[test]
    fn what_comes_later_in_the_file_does_not_matter() {
        let line = "2,90001,LAMP,1,2021-03-01T08:00:00,0,,N\n";
        let catalogue = catalogue(&format!("{line}1,90001,LAMP,1,2021-03-01T08:00:00,1,,N\n"));
        let record = record::read(2, line.trim_end().as_bytes(), &catalogue.columns).unwrap();
        assert_eq!(kind(&record, &catalogue), Kind::WriteOn);
    }

    #[test]
    fn every_kind_of_line() {
        for (line, expected) in [
            ("2,90001,LAMP,1,2021-03-01T08:00:00,1,,N", Kind::Sale),
            ("2,90001,any,1,2021-03-01T08:00:00,0,7001,N", Kind::Sale),
            ("2,90001,LAMP,1,2021-03-01T08:00:00,0,,N", Kind::Sale),
            ("2,90001,found,1,2021-03-01T08:00:00,0,,N", Kind::WriteOn),
            ("2,90001,,1,2021-03-01T08:00:00,0,,N", Kind::WriteOn),
            ("2,90009,LAMP,1,2021-03-01T08:00:00,0,,N", Kind::WriteOn),
            ("2,90001,thrown away,-1,2021-03-01T08:00:00,0,,N", Kind::WriteOff),
            ("2,90001,LAMP,-1,2021-03-01T08:00:00,1,7001,N", Kind::WriteOff),
            ("C2,90001,LAMP,-1,2021-03-01T08:00:00,1,7001,N", Kind::Return),
        ] {
            assert_eq!(kind_of(line), expected, "{line}");
        }
    }

    #[test]
    fn an_adjustment_always_has_a_reason() {
        assert_eq!(reason(Kind::WriteOff, ""), "write-off");
        assert_eq!(reason(Kind::WriteOn, ""), "write-on");
        assert_eq!(reason(Kind::WriteOff, "damages"), "damages");
    }
}
