//! Decoding a record: straight into the row's type, as the product does, against the way over generic values.

use std::hint::black_box;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value;
use jiff::Timestamp;
use onhand_cdc::decode::split_frame;
use onhand_cdc::envelope::StockLevelRow;
use onhand_cdc::{Change, Decoder, RegistryClient, RegistryConfig, RowVersion, Table};

use super::super::figures::{self, Series};
use super::super::report::{Comparison, Contender, Part, Unit};
use super::backlog::Changes;
use super::template::Template;
use super::turns;

/// Different records; more would be no different, only out of the processor's caches, as records are not just after a fetch.
const RECORDS: usize = 1_000;
const OURS: &str = "into the type of the row";
const GENERIC: &str = "through a generic value";

/// Records and both ways to read them.
struct Bench<'a> {
    frames: Vec<Vec<u8>>,
    decoder: Decoder,
    generic: GenericDatumReader<'a>,
}

impl<'a> Bench<'a> {
    fn new(template: &Template, schema: &'a Schema) -> Result<Self> {
        let mut writer = template.writer()?;
        let mut changes = Changes::new();
        let mut frames = Vec::with_capacity(RECORDS);
        for _ in 0..RECORDS {
            let level = changes.next_level().context("there is no such level")?;
            frames.push(writer.write(&level)?.1);
        }
        // No request is sent: the schema is put into its place.
        let decoder = Decoder::new(RegistryClient::new(&RegistryConfig::default())?);
        decoder.insert_schema(template.value().id, &template.value().text)?;
        Ok(Self {
            frames,
            decoder,
            // One reader for all records, as for ours; ids and times are text.
            generic: GenericDatumReader::builder(schema).human_readable(true).build()?,
        })
    }

    fn ours(&self, frame: &[u8]) -> Result<StockLevelRow> {
        match self.decoder.decode_cached(Table::StockLevel, frame) {
            Some(Ok(Change::StockLevel(envelope))) => envelope.after.context("a change without a new row"),
            other => bail!("a record that cannot be read: {other:?}"),
        }
    }

    fn generic(&self, frame: &[u8]) -> Result<StockLevelRow> {
        let (_, mut body) = split_frame(frame)?;
        let value = self.generic.read_value(&mut body)?;
        row(Fields::of(&value)?.get("after")?)
    }

    /// Both read the same out of each record.
    fn check(&self) -> Result<()> {
        for frame in &self.frames {
            if self.ours(frame)? != self.generic(frame)? {
                bail!("the two ways of decoding do not read the same");
            }
        }
        Ok(())
    }

    /// Nanoseconds for one record.
    fn measure(&self, repeats: u32, read: impl Fn(&[u8]) -> Result<StockLevelRow>) -> Result<f64> {
        let since = Instant::now();
        for _ in 0..repeats {
            for frame in &self.frames {
                black_box(read(black_box(frame))?);
            }
        }
        let records = f64::from(repeats) * f64::from(u32::try_from(RECORDS)?);
        Ok(since.elapsed().as_secs_f64() * 1e9 / records)
    }
}

/// The fields of a generic record.
struct Fields<'a>(&'a [(String, Value)]);

impl<'a> Fields<'a> {
    fn of(value: &'a Value) -> Result<Self> {
        match present(value) {
            Value::Record(fields) => Ok(Self(fields)),
            other => bail!("{other:?} is no record"),
        }
    }

    fn find(&self, name: &str) -> Option<&'a Value> {
        let found = self.0.iter().find(|(field, _)| field == name);
        found.map(|(_, value)| present(value))
    }

    fn get(&self, name: &str) -> Result<&'a Value> {
        self.find(name).with_context(|| format!("there is no field {name}"))
    }

    fn text(&self, name: &str) -> Result<&'a str> {
        match self.get(name)? {
            Value::String(text) => Ok(text),
            other => bail!("{name} is no text: {other:?}"),
        }
    }

    /// Zero where the record has no such column, as for the product.
    fn long(&self, name: &str) -> Result<i64> {
        match self.find(name) {
            Some(Value::Long(number)) => Ok(*number),
            None => Ok(0),
            Some(other) => bail!("{name} is no number: {other:?}"),
        }
    }

    fn time(&self, name: &str) -> Result<Option<Timestamp>> {
        match self.find(name) {
            Some(Value::String(text)) => Ok(Some(text.parse()?)),
            _ => Ok(None),
        }
    }
}

/// What is in a union.
fn present(value: &Value) -> &Value {
    match value {
        Value::Union(_, inner) => inner,
        other => other,
    }
}

/// The row, field by field: the library's own way from a generic value into a type does not read ids that are text.
fn row(value: &Value) -> Result<StockLevelRow> {
    let fields = Fields::of(value)?;
    Ok(StockLevelRow {
        item_id: fields.text("item_id")?.parse()?,
        location_id: fields.text("location_id")?.to_owned(),
        on_hand: fields.long("on_hand")?,
        reserved: fields.long("reserved")?,
        in_transit: fields.long("in_transit")?,
        backordered: fields.long("backordered")?,
        damaged: fields.long("damaged")?,
        safety_stock: fields.long("safety_stock")?,
        reorder_point: fields.long("reorder_point")?,
        available: fields.long("available")?,
        policy: fields.text("policy")?.to_owned(),
        status: fields.text("status")?.to_owned(),
        next_hold_at: fields.time("next_hold_at")?,
        version: RowVersion::new(fields.long("version")?),
        last_movement_at: fields.time("last_movement_at")?,
        created_at: fields.time("created_at")?,
    })
}

/// Both in turns.
pub(super) fn run(template: &Template, events: u32, rounds: u16) -> Result<Part> {
    let schema = Schema::parse_str(&template.value().text)?;
    let bench = Bench::new(template, &schema)?;
    bench.check()?;
    let repeats = (events / u32::try_from(RECORDS)?).max(1);
    let (mut ours, mut generic) = (Vec::new(), Vec::new());
    for is_ours in turns(rounds) {
        if is_ours {
            ours.push(bench.measure(repeats, |frame| bench.ours(frame))?);
        } else {
            generic.push(bench.measure(repeats, |frame| bench.generic(frame))?);
        }
    }
    let bytes = bench.frames.iter().map(Vec::len).sum::<usize>() / RECORDS;
    let mut part = Part::new("decode", format!("decoding a change of stock_level of {bytes} bytes"));
    for (name, times) in [(OURS, ours), (GENERIC, generic)] {
        part.contenders.push(Contender {
            name: name.to_owned(),
            unit: Unit::Nanoseconds,
            series: Series::new(times).context("there was no round")?,
        });
    }
    let ratio = match (part.median(OURS), part.median(GENERIC)) {
        (Some(ours), Some(generic)) => figures::ratio(generic, ours),
        _ => None,
    };
    part.comparisons
        .push(Comparison::plain("time through a generic value / into the type", ratio));
    Ok(part)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::template::tests::template;
    use super::*;

    #[test]
    fn both_ways_read_the_same_and_are_timed() {
        let part = run(&template(), 1_000, 2).unwrap();
        assert!(part.median(OURS).unwrap() > 0.0 && part.median(GENERIC).unwrap() > 0.0);
        let text = part.to_string();
        assert!(text.contains("time through a generic value / into the type"), "{text}");
    }
}
