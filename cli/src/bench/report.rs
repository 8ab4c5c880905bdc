//! What was measured: a short table for each part while it goes on, one JSON object for programs at the end.

use std::fmt;

use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

use super::figures::Series;

/// Contenders that were measured against each other.
#[derive(Debug, Serialize)]
pub(super) struct Part {
    /// Letters of the parts of the benchmark that it holds.
    pub(super) letters: String,
    /// What was compared.
    pub(super) title: String,
    /// The contenders.
    pub(super) contenders: Vec<Contender>,
    /// Their medians, compared.
    pub(super) comparisons: Vec<Comparison>,
    /// What else has to be known about these figures.
    pub(super) notes: Vec<String>,
}

/// One contender and what it reached.
#[derive(Debug, Serialize)]
pub(super) struct Contender {
    /// What it does, and from how many connections.
    pub(super) name: String,
    /// What is counted.
    pub(super) unit: Unit,
    /// The figures.
    #[serde(flatten)]
    pub(super) series: Series,
}

/// What a figure counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) enum Unit {
    /// Commands that were applied, per second.
    #[serde(rename = "commands_per_second")]
    Rate,
    /// Time that one took.
    #[serde(rename = "milliseconds")]
    Latency,
    /// Change events that were settled, per second.
    #[serde(rename = "events_per_second")]
    Events,
    /// Change events that were settled, per second of processor time.
    #[serde(rename = "events_per_cpu_second")]
    EventsPerCpu,
    /// Time that one took, where it is short.
    #[serde(rename = "nanoseconds")]
    Nanoseconds,
    /// Resident memory, or so much of a log.
    #[serde(rename = "megabytes")]
    Memory,
    /// Records of Kafka.
    #[serde(rename = "records")]
    Records,
}

impl Unit {
    /// What stands over the column.
    const fn header(self) -> &'static str {
        match self {
            Self::Rate => "commands/s",
            Self::Latency => "ms",
            Self::Events => "events/s",
            Self::EventsPerCpu => "events/CPU-s",
            Self::Nanoseconds => "ns",
            Self::Memory => "MB",
            Self::Records => "records",
        }
    }
}

/// Two medians compared, or one held against a goal.
#[derive(Debug, Serialize)]
pub(super) struct Comparison {
    /// What is compared with what.
    pub(super) name: String,
    /// What came out.
    #[serde(flatten)]
    pub(super) figure: Figure,
    /// What it should be; none where nothing is promised.
    pub(super) goal: Option<Goal>,
    /// Whether it is.
    pub(super) reached: Option<bool>,
}

/// What a comparison comes to; none if it could not be told.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Figure {
    /// How many times one goes into the other; none if one of them did not move.
    Ratio(Option<f64>),
    /// How much longer one takes.
    Milliseconds(Option<f64>),
    /// How much memory it is.
    Megabytes(Option<f64>),
    /// How many there are.
    Count(Option<f64>),
}

impl Figure {
    const fn value(self) -> Option<f64> {
        match self {
            Self::Ratio(value) | Self::Milliseconds(value) | Self::Megabytes(value) | Self::Count(value) => value,
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self {
            Self::Ratio(_) => "x",
            Self::Milliseconds(_) => " ms",
            Self::Megabytes(_) => " MB",
            Self::Count(_) => "",
        };
        match self.value() {
            Some(value) => write!(formatter, "{}{unit}", digits(value)),
            None => formatter.write_str("unknown"),
        }
    }
}

/// What a figure should be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Goal {
    /// That or more.
    AtLeast(f64),
    /// That or less.
    AtMost(f64),
}

impl Goal {
    fn is_reached(self, value: f64) -> bool {
        match self {
            Self::AtLeast(bound) => value >= bound,
            Self::AtMost(bound) => value <= bound,
        }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(bound) => write!(formatter, ">= {bound}"),
            Self::AtMost(bound) => write!(formatter, "<= {bound}"),
        }
    }
}

impl Comparison {
    /// A ratio that is told and promises nothing.
    pub(super) fn plain(name: impl Into<String>, ratio: Option<f64>) -> Self {
        Self::new(name, Figure::Ratio(ratio), None)
    }

    /// A ratio with a goal; one that cannot be told has missed it.
    pub(super) fn with_goal(name: impl Into<String>, ratio: Option<f64>, goal: Goal) -> Self {
        Self::new(name, Figure::Ratio(ratio), Some(goal))
    }

    /// Any figure, with a goal where there is one.
    pub(super) fn new(name: impl Into<String>, figure: Figure, goal: Option<Goal>) -> Self {
        Self {
            name: name.into(),
            figure,
            goal,
            reached: goal.map(|goal| figure.value().is_some_and(|value| goal.is_reached(value))),
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.name, self.figure)?;
        match (self.goal, self.reached) {
            (Some(goal), Some(reached)) => {
                let outcome = if reached { "reached" } else { "MISSED" };
                write!(formatter, " (goal {goal}: {outcome})")
            }
            _ => Ok(()),
        }
    }
}

impl Part {
    /// Nothing measured yet.
    pub(super) fn new(letters: impl Into<String>, title: impl Into<String>) -> Self {
        Self {
            letters: letters.into(),
            title: title.into(),
            contenders: Vec::new(),
            comparisons: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// The median of a contender, by its name.
    pub(super) fn median(&self, name: &str) -> Option<f64> {
        self.contenders
            .iter()
            .find(|contender| contender.name == name)
            .map(|contender| contender.series.median())
    }

    fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        let mut units = self.contenders.iter().map(|contender| contender.unit);
        let header = match units.next() {
            Some(unit) if units.all(|other| other == unit) => unit.header(),
            _ => "median",
        };
        table.set_header(["", header, "min", "max"]);
        for contender in &self.contenders {
            table.add_row([
                contender.name.clone(),
                digits(contender.series.median()),
                digits(contender.series.min()),
                digits(contender.series.max()),
            ]);
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table
    }
}

impl fmt::Display for Part {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{} ({})", self.title, self.letters)?;
        if !self.contenders.is_empty() {
            writeln!(formatter, "{}", self.table())?;
        }
        for comparison in &self.comparisons {
            writeln!(formatter, "  {comparison}")?;
        }
        for note in &self.notes {
            writeln!(formatter, "  {note}")?;
        }
        Ok(())
    }
}

/// Whole numbers where the figure is large, three digits or so where it is small.
fn digits(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        1.0.. => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// The whole run.
#[derive(Debug, Serialize)]
pub(super) struct Report<Settings: Serialize> {
    /// Name of the benchmark.
    pub(super) benchmark: &'static str,
    /// Version of the product.
    pub(super) version: &'static str,
    /// How it was asked for.
    pub(super) settings: Settings,
    /// Version of the server.
    pub(super) server: String,
    /// `release` or `debug`: figures of the second say nothing.
    pub(super) build: &'static str,
    /// Processors of the machine that drives the load.
    pub(super) cores: usize,
    /// Load averages before.
    pub(super) load_before: Option<[f64; 3]>,
    /// Load averages after.
    pub(super) load_after: Option<[f64; 3]>,
    /// What was measured.
    pub(super) parts: Vec<Part>,
    /// Whether all goals were reached of those that were measured.
    pub(super) reached: bool,
}

/// How many goals were measured, and how many of them were reached.
pub(super) fn goals(parts: &[Part]) -> (usize, usize) {
    let outcomes: Vec<bool> = parts
        .iter()
        .flat_map(|part| &part.comparisons)
        .filter_map(|comparison| comparison.reached)
        .collect();
    (outcomes.len(), outcomes.iter().filter(|reached| **reached).count())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::machine;
    use super::*;

    fn part() -> Part {
        let series = |rounds: &[f64]| Series::new(rounds.to_vec()).unwrap();
        Part {
            contenders: vec![
                Contender {
                    name: "batch".into(),
                    unit: Unit::Rate,
                    series: series(&[3_000.0, 1_000.0, 2_000.0]),
                },
                Contender {
                    name: "peer".into(),
                    unit: Unit::Rate,
                    series: series(&[50.0]),
                },
            ],
            comparisons: vec![
                Comparison::with_goal("batch / peer", Some(40.0), Goal::AtLeast(30.0)),
                Comparison::with_goal("growth", Some(1.2), Goal::AtMost(1.1)),
                Comparison::with_goal("peer / nothing", None, Goal::AtMost(1.1)),
                Comparison::plain("peer / batch", Some(0.025)),
            ],
            ..Part::new("cd", "one row")
        }
    }

    #[test]
    fn a_goal_is_reached_at_its_bound() {
        assert!(Goal::AtLeast(30.0).is_reached(30.0) && !Goal::AtLeast(30.0).is_reached(29.9));
        assert!(Goal::AtMost(1.1).is_reached(1.1) && !Goal::AtMost(1.1).is_reached(1.11));
        assert_eq!(goals(&[part(), part()]), (6, 2));
    }

    #[test]
    fn a_person_reads_medians_ratios_and_what_was_missed() {
        let text = part().to_string();
        assert!(text.starts_with("one row (cd)\n"), "{text}");
        assert!(text.contains("2000") && text.contains("3000"), "{text}");
        assert!(text.contains("batch / peer: 40.0x (goal >= 30: reached)"), "{text}");
        assert!(text.contains("growth: 1.20x (goal <= 1.1: MISSED)"), "{text}");
        assert!(text.contains("peer / nothing: unknown (goal <= 1.1: MISSED)"), "{text}");
        assert!(text.ends_with("peer / batch: 0.025x\n"), "{text}");
        assert_eq!(part().median("batch"), Some(2_000.0));
        assert_eq!(part().median("nobody"), None);
    }

    #[test]
    fn differences_and_sizes_are_no_ratios() {
        let late = Comparison::new("late", Figure::Milliseconds(Some(-0.25)), Some(Goal::AtMost(3.0)));
        assert_eq!(late.to_string(), "late: -0.250 ms (goal <= 3: reached)");
        let large = Comparison::new("large", Figure::Megabytes(Some(65.0)), Some(Goal::AtMost(64.0)));
        assert_eq!(large.to_string(), "large: 65.0 MB (goal <= 64: MISSED)");
        let none = Comparison::new("none", Figure::Count(Some(0.0)), Some(Goal::AtMost(0.0)));
        assert_eq!(none.to_string(), "none: 0 (goal <= 0: reached)");
        assert_eq!(
            serde_json::to_value(&large).unwrap(),
            serde_json::json!({"name": "large", "megabytes": 65.0, "goal": {"at_most": 64.0}, "reached": false})
        );
    }

    #[test]
    fn the_unit_stands_over_the_column_if_there_is_one() {
        assert!(part().to_string().contains("commands/s"));
        let mut mixed = part();
        if let Some(contender) = mixed.contenders.last_mut() {
            contender.unit = Unit::Memory;
        }
        assert!(mixed.to_string().contains("median"), "{mixed}");
    }

    #[test]
    fn a_program_reads_one_line() {
        let text = serde_json::to_string(&Report {
            benchmark: "engine",
            version: "1.2.3",
            settings: "quick",
            server: "18.1".into(),
            build: machine::build(),
            cores: 2,
            load_before: None,
            load_after: Some([0.5, 0.25, 0.125]),
            parts: vec![part()],
            reached: false,
        })
        .unwrap();
        assert!(!text.contains('\n'));
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read["parts"][0]["contenders"][0]["median"], 2_000.0);
        assert_eq!(read["parts"][0]["contenders"][0]["unit"], "commands_per_second");
        assert_eq!(read["parts"][0]["comparisons"][1]["goal"]["at_most"], 1.1);
        assert_eq!(read["parts"][0]["comparisons"][1]["reached"], false);
        assert_eq!(read["parts"][0]["comparisons"][3]["goal"], serde_json::Value::Null);
        assert_eq!(read["parts"][0]["comparisons"][0]["ratio"], 40.0);
        assert_eq!(read["parts"][0]["comparisons"][2]["ratio"], serde_json::Value::Null);
        assert_eq!(read["load_before"], serde_json::Value::Null);
        assert_eq!(read["load_after"][2], 0.125);
        assert_eq!(read["reached"], false);
    }
}
