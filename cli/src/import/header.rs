//! Which column stands where.

use std::borrow::Cow;

use anyhow::{Result, bail};

/// The columns that an order file must have, each with the spellings that are in use; blanks, underscores and case do
/// not count.
const NEEDED: [(&str, &[&str]); 6] = [
    ("InvoiceNo", &["invoiceno", "invoice"]),
    ("StockCode", &["stockcode"]),
    ("Description", &["description"]),
    ("Quantity", &["quantity"]),
    ("InvoiceDate", &["invoicedate"]),
    ("UnitPrice", &["unitprice", "price"]),
];
const CUSTOMER: [&str; 1] = ["customerid"];

/// Positions of the columns in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Columns {
    /// How many fields a line has.
    pub(crate) count: usize,
    pub(crate) invoice: usize,
    pub(crate) code: usize,
    pub(crate) description: usize,
    pub(crate) quantity: usize,
    pub(crate) date: usize,
    pub(crate) price: usize,
    /// Who bought; not every file says.
    pub(crate) customer: Option<usize>,
}

impl Columns {
    /// Reads the header; a file without the needed columns is refused before anything is imported.
    pub(crate) fn parse(fields: &[Cow<'_, str>]) -> Result<Self> {
        let names: Vec<String> = fields.iter().map(|field| normal(field)).collect();
        let find = |spellings: &[&str]| names.iter().position(|name| spellings.contains(&name.as_str()));
        let found = NEEDED.map(|(_, spellings)| find(spellings));
        let [
            Some(invoice),
            Some(code),
            Some(description),
            Some(quantity),
            Some(date),
            Some(price),
        ] = found
        else {
            let missing: Vec<_> = NEEDED
                .iter()
                .zip(found)
                .filter(|(_, at)| at.is_none())
                .map(|((name, _), _)| *name)
                .collect();
            bail!(
                "these are no order lines: the columns {} are missing; found: {}",
                missing.join(", "),
                shown(fields)
            );
        };
        Ok(Self {
            count: fields.len(),
            invoice,
            code,
            description,
            quantity,
            date,
            price,
            customer: find(&CUSTOMER),
        })
    }
}

fn normal(name: &str) -> String {
    name.trim_start_matches('\u{feff}')
        .chars()
        .filter(|letter| !letter.is_whitespace() && *letter != '_')
        .collect::<String>()
        .to_lowercase()
}

/// What was found, short enough for an error: the file may be anything.
fn shown(fields: &[Cow<'_, str>]) -> String {
    let text = fields
        .iter()
        .take(20)
        .map(AsRef::as_ref)
        .collect::<Vec<&str>>()
        .join(", ");
    let text: String = text
        .chars()
        .map(|letter| if letter.is_control() { '?' } else { letter })
        .take(200)
        .collect();
    if text.trim().is_empty() {
        "none".to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn parse(line: &str) -> Result<Columns> {
        let fields: Vec<_> = line.split(',').map(Cow::Borrowed).collect();
        Columns::parse(&fields)
    }

    #[test]
    fn order_case_blanks_and_a_byte_order_mark_do_not_matter() {
        let columns = parse("\u{feff}Price,customer ID,Invoice,Stock Code,DESCRIPTION,quantity,invoice_date").unwrap();
        assert_eq!(
            (columns.price, columns.customer, columns.invoice, columns.date),
            (0, Some(1), 2, 6)
        );
        assert_eq!(columns.count, 7);
    }

    #[test]
    fn missing_columns_are_named_with_those_found() {
        let message = parse("InvoiceNo,Description,Colour").unwrap_err().to_string();
        assert!(
            message.contains("StockCode, Quantity, InvoiceDate, UnitPrice"),
            "{message}"
        );
        assert!(message.contains("InvoiceNo, Description, Colour"), "{message}");
    }
}
