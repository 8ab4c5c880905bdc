//! What is drawn: values nobody should send, of every type there is.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Map, Value, json};

/// Between two of these stands a number that JSON has and a machine word has not.
const RAW: char = '\u{e000}';

/// Numbers at the edges of what a quantity, a column or a machine word can be.
const NUMBERS: [&str; 20] = [
    "0",
    "-1",
    "1.5",
    "-0.0",
    "2147483647",
    "2147483648",
    "999999999999",
    "1000000000000",
    "1000000000001",
    "-1000000000000",
    "-1000000000001",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "1e15",
    "1e30",
    "-1e30",
    "1e400",
    "1e-400",
    "0.0000000000000000000000000000000000001",
];

const TEXTS: [&str; 33] = [
    "",
    " ",
    "\u{1}",
    "a\u{1}b",
    "\n",
    "N1\n",
    " N1",
    "n1",
    "W1\r\n",
    "ünïcödé ß 東京 \u{1f4e6}",
    "\u{200b}",
    "\u{feff}N1",
    "\u{202e}N1",
    "e\u{301}",
    "\u{10ffff}",
    "'; drop table inventory.item; --",
    "$$",
    "\\",
    "%s %I",
    "{}",
    "[1]",
    "null",
    "NaN",
    "1e400",
    "-infinity",
    "infinity",
    "now",
    "0044-03-15 12:00:00+00 BC",
    "294276-12-31 23:59:59+00",
    "2026-02-30",
    "00000000-0000-0000-0000-000000000000",
    "{00000000-0000-0000-0000-000000000001}",
    "١٢",
];

/// A generator of random values whose next draw never depends on what the database answered.
#[derive(Debug)]
pub(crate) struct Draw(StdRng);

impl Draw {
    pub(crate) fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0.random_range(0..end.max(1))
    }

    pub(crate) fn percent(&mut self, percent: u32) -> bool {
        self.0.random_range(0..100) < percent
    }

    pub(crate) fn number(&mut self) -> u64 {
        self.0.random()
    }

    pub(crate) fn pick<'a, T: ?Sized>(&mut self, values: &[&'a T]) -> &'a T {
        values[self.below(values.len())]
    }

    /// A text that fits nowhere, or hardly.
    pub(crate) fn text(&mut self) -> String {
        match self.below(10) {
            0 => {
                let lengths = [17, 41, 64, 65, 100, 101, 200, 201, 500, 501, 100_001];
                let length = lengths[self.below(lengths.len())];
                self.pick(&["a", "é", "\u{1f4e6}"]).repeat(length)
            }
            1 => format!("x{}", self.below(1_000_000)),
            _ => self.pick(&TEXTS).to_owned(),
        }
    }

    /// Any JSON.
    pub(crate) fn json(&mut self, depth: usize) -> Value {
        match self.below(if depth == 0 { 8 } else { 12 }) {
            0 => Value::Null,
            1 => json!(self.percent(50)),
            2..=4 => raw(self.pick(&NUMBERS)),
            5..=7 => json!(self.text()),
            8 | 9 => (0..self.below(4)).map(|_| self.json(depth - 1)).collect(),
            10 => {
                let mut object = Map::new();
                for _ in 0..self.below(4) {
                    let name = self.pick(&["sku", "location", "quantity", "lines", "op", "", "\u{1}", "zzz"]);
                    object.insert(name.to_owned(), self.json(depth - 1));
                }
                Value::from(object)
            }
            _ => {
                let levels = self.below(500);
                (0..levels).fold(json!([]), |inside, _| json!([inside]))
            }
        }
    }

    /// An SQL expression of the type that every cast accepts and few functions should.
    pub(crate) fn sql(&mut self, kind: &str) -> String {
        if self.percent(20) {
            return format!("null::{kind}");
        }
        let value = match kind {
            "bigint" => self
                .pick(&[
                    "0",
                    "-1",
                    "1",
                    "7",
                    "999999999999",
                    "1000000000000",
                    "1000000000001",
                    "-1000000000000",
                    "-1000000000001",
                    "9223372036854775807",
                    "-9223372036854775808",
                ])
                .to_owned(),
            "integer" => self
                .pick(&[
                    "0",
                    "-1",
                    "1",
                    "2",
                    "1000",
                    "1001",
                    "1000000",
                    "1000001",
                    "2147483647",
                    "-2147483648",
                ])
                .to_owned(),
            "numeric" => self
                .pick(&[
                    "NaN",
                    "Infinity",
                    "-Infinity",
                    "0",
                    "-1",
                    "0.5",
                    "0.99999999999999999999",
                    "1",
                    "1e-30",
                    "1e12",
                    "1e30",
                    "1e1000",
                    "-1e1000",
                ])
                .to_owned(),
            "boolean" => self.pick(&["true", "false"]).to_owned(),
            "uuid" => uuid(self.number()),
            "interval" => self
                .pick(&[
                    "0",
                    "-1 day",
                    "1 microsecond",
                    "1 hour",
                    "1 mon",
                    "10 years",
                    "10 years 1 second",
                    "9000 years",
                    "300000 years",
                    "178000000 years",
                    "-178000000 years",
                    "2000000000 days",
                    "2000000000 hours",
                    "infinity",
                    "-infinity",
                ])
                .to_owned(),
            "timestamp with time zone" => self
                .pick(&[
                    "infinity",
                    "-infinity",
                    "4714-11-24 00:00:00+00 BC",
                    "4713-01-01 00:00:00+00 BC",
                    "0001-01-01 00:00:00+00",
                    "0044-03-15 00:00:00+00 BC",
                    "1970-01-01 00:00:00+00",
                    "2024-02-29 12:00:00+00",
                    "2100-01-01 00:00:00+00",
                    "9999-12-31 23:59:59+00",
                    "10000-01-01 00:00:00+00",
                    "294276-12-31 23:59:59.999999+00",
                ])
                .to_owned(),
            "date" => self
                .pick(&[
                    "infinity",
                    "-infinity",
                    "4714-11-24 BC",
                    "4713-01-01 BC",
                    "2020-01-31",
                    "2100-01-01",
                    "5874897-12-31",
                ])
                .to_owned(),
            "text[]" => return self.texts(),
            "jsonb" => text_of(&self.json(4)),
            _ => self.text(),
        };
        format!("{}::{kind}", quoted(&value))
    }

    fn texts(&mut self) -> String {
        match self.below(6) {
            0 => "'{}'::text[]".to_owned(),
            1 => "array[null, 'N1', null]::text[]".to_owned(),
            2 => "'{{N1,N2},{W1,W2}}'::text[]".to_owned(),
            3 => format!(
                "array_fill({}::text, array[{}])",
                quoted(&self.text()),
                [1, 2, 1001][self.below(3)]
            ),
            4 => "'[-5:-4]={W1,W2}'::text[]".to_owned(),
            _ => {
                let texts: Vec<String> = (0..=self.below(4)).map(|_| quoted(&self.text())).collect();
                format!("array[{}]::text[]", texts.join(", "))
            }
        }
    }
}

/// A number as it will stand in the JSON text.
pub(crate) fn raw(number: &str) -> Value {
    json!(format!("{RAW}{number}{RAW}"))
}

/// JSON as text that Postgres reads.
pub(crate) fn text_of(value: &Value) -> String {
    value
        .to_string()
        .replace(&format!("\"{RAW}"), "")
        .replace(&format!("{RAW}\""), "")
}

/// A text as an SQL literal.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A UUID that says which number it was made of.
pub(crate) fn uuid(number: u64) -> String {
    uuid::Uuid::from_u64_pair(number, number.rotate_left(17)).to_string()
}
