//! Quantities of contracts that have only 32 bits for them.

use std::collections::BTreeMap;

/// Makes 32 bits of quantities and remembers which did not fit: those become the nearest value that does, and their exact
/// value stands in the metadata. A stock that large is no reason to hold the event back, and one that has wrapped around
/// would be a lie.
#[derive(Debug, Default)]
pub(crate) struct Narrow {
    exact: Vec<(&'static str, i64)>,
}

impl Narrow {
    /// The quantity, or the nearest one that fits.
    pub(crate) fn int(&mut self, field: &'static str, quantity: i64) -> i32 {
        i32::try_from(quantity).unwrap_or_else(|_| {
            self.exact.push((field, quantity));
            if quantity < 0 { i32::MIN } else { i32::MAX }
        })
    }

    /// Adds `saturated`, the names of the fields, and `exact_<field>` for each. Answers whether there were any.
    pub(crate) fn say(self, metadata: &mut BTreeMap<String, String>) -> bool {
        if self.exact.is_empty() {
            return false;
        }
        let names: Vec<&str> = self.exact.iter().map(|(field, _)| *field).collect();
        metadata.insert("saturated".to_owned(), names.join(","));
        for (field, quantity) in self.exact {
            metadata.insert(format!("exact_{field}"), quantity.to_string());
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_fits_is_exact_and_what_does_not_is_said(quantity in any::<i64>()) {
            let mut narrow = Narrow::default();
            let int = narrow.int("quantity", quantity);
            let mut metadata = BTreeMap::new();
            if narrow.say(&mut metadata) {
                prop_assert!(i32::try_from(quantity).is_err());
                prop_assert_eq!(int < 0, quantity < 0);
                prop_assert_eq!(&metadata["saturated"], "quantity");
                prop_assert_eq!(&metadata["exact_quantity"], &quantity.to_string());
            } else {
                prop_assert_eq!(i64::from(int), quantity);
                prop_assert!(metadata.is_empty());
            }
        }
    }
}
