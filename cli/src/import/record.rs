//! One order line, read; and why one cannot be.

use std::borrow::Cow;

use jiff::civil::{Date, DateTime, date};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::fields;
use super::header::Columns;

/// More than any order: so many would put every balance out of range, and one absurd line must not spoil the others.
const MOST_UNITS: i64 = 1_000_000_000;
const LONGEST_CODE: usize = 64;
const LONGEST_INVOICE: usize = 32;
/// Before this there were no order files; a year such as 1900 is a slip of the pen.
const FIRST_DAY: Date = date(1990, 1, 1);
/// Goods whose codes do not begin with five digits.
const GOODS_PREFIXES: [&str; 1] = ["DCGS"];

/// Why a line was not imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Reason {
    Blank,
    TooLong,
    InvalidUtf8,
    BadQuote,
    TooFewFields,
    TooManyFields,
    BadInvoice,
    BadStockCode,
    NotGoods,
    BadQuantity,
    QuantityZero,
    QuantityOutOfRange,
    BadDate,
    DateOutOfRange,
    BadPrice,
    CancellationPositive,
}

impl Reason {
    /// As the report and the summary write it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Blank => "blank",
            Self::TooLong => "line_too_long",
            Self::InvalidUtf8 => "invalid_utf8",
            Self::BadQuote => "bad_quote",
            Self::TooFewFields => "too_few_fields",
            Self::TooManyFields => "too_many_fields",
            Self::BadInvoice => "bad_invoice_number",
            Self::BadStockCode => "bad_stock_code",
            Self::NotGoods => "not_goods",
            Self::BadQuantity => "bad_quantity",
            Self::QuantityZero => "quantity_zero",
            Self::QuantityOutOfRange => "quantity_out_of_range",
            Self::BadDate => "bad_date",
            Self::DateOutOfRange => "date_out_of_range",
            Self::BadPrice => "bad_price",
            Self::CancellationPositive => "cancellation_with_positive_quantity",
        }
    }
}

/// A line of goods that could be read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Record {
    /// Number of the line in the file; the header is line 1.
    pub(crate) line: u64,
    /// Invoice number as it stands there.
    pub(crate) invoice: String,
    /// Whether the invoice cancels another one (its number begins with C).
    pub(crate) cancellation: bool,
    /// Stock code in its canonical spelling.
    pub(crate) sku: String,
    /// Without blanks at its ends; runs of blanks and control characters are one blank.
    pub(crate) description: String,
    /// Never zero.
    pub(crate) quantity: i64,
    /// When, taken as UTC: the files say no zone.
    pub(crate) at: Timestamp,
    /// The calendar day of that.
    pub(crate) day: Date,
    /// Whether a price was asked.
    pub(crate) priced: bool,
    /// Who bought.
    pub(crate) customer: Option<String>,
}

/// Reads a line.
pub(crate) fn read(number: u64, bytes: &[u8], columns: &Columns) -> Result<Record, Reason> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(Reason::Blank);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| Reason::InvalidUtf8)?;
    let mut fields = Vec::with_capacity(columns.count);
    fields::split(text, &mut fields).map_err(|_| Reason::BadQuote)?;
    match fields.len() {
        n if n < columns.count => return Err(Reason::TooFewFields),
        n if n > columns.count => return Err(Reason::TooManyFields),
        _ => {}
    }
    let field = |at: usize| fields.get(at).map_or("", Cow::as_ref).trim();
    let (invoice, cancellation) = invoice_number(field(columns.invoice))?;
    let sku = stock_code(field(columns.code))?;
    let quantity = quantity(field(columns.quantity))?;
    let when = date_time(field(columns.date))?;
    let price: f64 = field(columns.price).parse().map_err(|_| Reason::BadPrice)?;
    if !price.is_finite() || price < 0.0 {
        return Err(Reason::BadPrice);
    }
    if cancellation && quantity > 0 {
        return Err(Reason::CancellationPositive);
    }
    let customer = columns.customer.map(field).filter(|text| !text.is_empty()).map(clean);
    Ok(Record {
        line: number,
        invoice,
        cancellation,
        sku,
        description: clean(field(columns.description)),
        quantity,
        at: TimeZone::UTC.to_timestamp(when).map_err(|_| Reason::DateOutOfRange)?,
        day: when.date(),
        priced: price > 0.0,
        customer,
    })
}

/// Letters, digits and dashes; `C` before a digit marks a cancellation.
fn invoice_number(text: &str) -> Result<(String, bool), Reason> {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '/' | '.');
    if text.is_empty() || text.len() > LONGEST_INVOICE || !text.chars().all(plain) {
        return Err(Reason::BadInvoice);
    }
    let mut letters = text.chars();
    let cancellation = letters.next().is_some_and(|first| first.eq_ignore_ascii_case(&'C'))
        && letters.next().is_some_and(|second| second.is_ascii_digit());
    Ok((text.to_owned(), cancellation))
}

/// The canonical spelling is upper case without blanks at the ends: `85123a` and `85123A` are one article that two
/// clerks typed. Goods are codes that begin with five digits, or with a prefix known to mark goods; all others are
/// postage, fees, discounts, vouchers and notes of the bookkeeper.
fn stock_code(text: &str) -> Result<String, Reason> {
    if text.is_empty()
        || text.len() > LONGEST_CODE
        || !text.chars().all(|letter| letter.is_ascii_graphic() || letter == ' ')
    {
        return Err(Reason::BadStockCode);
    }
    let code = text.to_ascii_uppercase();
    let digits = code.bytes().take_while(u8::is_ascii_digit).count();
    if digits >= 5 || GOODS_PREFIXES.iter().any(|prefix| code.starts_with(prefix)) {
        Ok(code)
    } else {
        Err(Reason::NotGoods)
    }
}

fn quantity(text: &str) -> Result<i64, Reason> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(Reason::BadQuantity);
    }
    match text.parse::<i64>() {
        Ok(0) => Err(Reason::QuantityZero),
        Ok(quantity) if (-MOST_UNITS..=MOST_UNITS).contains(&quantity) => Ok(quantity),
        _ => Err(Reason::QuantityOutOfRange),
    }
}

/// `2010-12-01T08:26:00`, with a blank for the T, without seconds; or `12/1/2010 8:26` (month first), as the files of
/// spreadsheets have it.
fn date_time(text: &str) -> Result<DateTime, Reason> {
    let when = text
        .parse::<DateTime>()
        .ok()
        .or_else(|| DateTime::strptime("%m/%d/%Y %H:%M", text).ok())
        .or_else(|| DateTime::strptime("%m/%d/%Y %H:%M:%S", text).ok())
        .ok_or(Reason::BadDate)?;
    let tomorrow = Timestamp::now().to_zoned(TimeZone::UTC).date().saturating_add(1.day());
    if (FIRST_DAY..=tomorrow).contains(&when.date()) {
        Ok(when)
    } else {
        Err(Reason::DateOutOfRange)
    }
}

fn clean(text: &str) -> String {
    let blanked: String = text
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect();
    let text = blanked.split_whitespace().collect::<Vec<_>>().join(" ");
    text.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn columns() -> Columns {
        let names = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country";
        Columns::parse(&names.split(',').map(Cow::Borrowed).collect::<Vec<_>>()).unwrap()
    }

    fn parse(line: &str) -> Result<Record, Reason> {
        read(7, line.as_bytes(), &columns())
    }

    #[test]
    fn a_whole_line() {
        let record = parse(r#"900001, 90123a ,"LAMP,  RED ",6,2021-03-01T08:26:00,2.55,70001,Norway"#).unwrap();
        assert_eq!((record.invoice.as_str(), record.sku.as_str()), ("900001", "90123A"));
        assert_eq!(
            (record.description.as_str(), record.quantity, record.priced),
            ("LAMP, RED", 6, true)
        );
        assert_eq!(record.at.to_string(), "2021-03-01T08:26:00Z");
        assert_eq!(
            (record.customer.as_deref(), record.cancellation, record.line),
            (Some("70001"), false, 7)
        );
    }

    #[test]
    fn each_thing_that_can_be_wrong_has_its_reason() {
        for (line, reason) in [
            ("  ", Reason::Blank),
            ("900001,90123,\"LAMP,6,2021-03-01T08:26:00,2.55,7,N", Reason::BadQuote),
            ("900001,90123,LAMP,6,2021-03-01T08:26:00,2.55,7", Reason::TooFewFields),
            (
                "900001,90123,LAMP,6,2021-03-01T08:26:00,2.55,7,N,extra",
                Reason::TooManyFields,
            ),
            (",90123,LAMP,6,2021-03-01T08:26:00,2.55,7,N", Reason::BadInvoice),
            ("900001,,LAMP,6,2021-03-01T08:26:00,2.55,7,N", Reason::BadStockCode),
            ("900001,POST,POSTAGE,6,2021-03-01T08:26:00,2.55,7,N", Reason::NotGoods),
            (
                "900001,gift_0001_20,VOUCHER,6,2021-03-01T08:26:00,2.55,7,N",
                Reason::NotGoods,
            ),
            (
                "900001,90123,LAMP,six,2021-03-01T08:26:00,2.55,7,N",
                Reason::BadQuantity,
            ),
            (
                "900001,90123,LAMP,1.5,2021-03-01T08:26:00,2.55,7,N",
                Reason::BadQuantity,
            ),
            ("900001,90123,LAMP,0,2021-03-01T08:26:00,2.55,7,N", Reason::QuantityZero),
            (
                "900001,90123,LAMP,99999999999999999999,2021-03-01T08:26:00,2.55,7,N",
                Reason::QuantityOutOfRange,
            ),
            ("900001,90123,LAMP,6,2021-02-30T08:26:00,2.55,7,N", Reason::BadDate),
            ("900001,90123,LAMP,6,yesterday,2.55,7,N", Reason::BadDate),
            (
                "900001,90123,LAMP,6,2921-03-01T08:26:00,2.55,7,N",
                Reason::DateOutOfRange,
            ),
            ("900001,90123,LAMP,6,2021-03-01T08:26:00,free,7,N", Reason::BadPrice),
            ("900001,90123,LAMP,6,2021-03-01T08:26:00,NaN,7,N", Reason::BadPrice),
            ("900001,90123,LAMP,6,2021-03-01T08:26:00,-2,7,N", Reason::BadPrice),
            (
                "C900001,90123,LAMP,6,2021-03-01T08:26:00,2.55,7,N",
                Reason::CancellationPositive,
            ),
        ] {
            assert_eq!(parse(line).unwrap_err(), reason, "{line}");
        }
        assert_eq!(
            read(1, b"900001,90123,L\xffMP,6,2021-03-01T08:26:00,1,7,N", &columns()),
            Err(Reason::InvalidUtf8)
        );
    }

    #[test]
    fn spreadsheet_dates_and_blanks_for_the_t_are_read() {
        for text in ["2021-03-01 08:26", "3/1/2021 8:26", "03/01/2021 08:26:00"] {
            assert_eq!(date_time(text).unwrap().to_string(), "2021-03-01T08:26:00", "{text}");
        }
    }

    #[test]
    fn a_cancellation_is_told_by_its_number() {
        assert!(
            parse("C900001,90123,LAMP,-6,2021-03-01T08:26:00,2.55,7,N")
                .unwrap()
                .cancellation
        );
        assert!(
            !parse("CASH1,90123,LAMP,-6,2021-03-01T08:26:00,2.55,7,N")
                .unwrap()
                .cancellation
        );
    }

    #[test]
    fn control_characters_never_reach_the_database() {
        let record = parse("900001,90123,LA\u{0}MP\u{7},6,2021-03-01T08:26:00,2.55,,N").unwrap();
        assert_eq!((record.description.as_str(), record.customer), ("LA MP", None));
    }
}
