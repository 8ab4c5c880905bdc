//! What happened when, and when it was told: the sums that answers about the past are made of.

use super::{Key, States};
use std::collections::BTreeMap;

/// Where something stands on the line of time: moments have even places, what goes on between two of them shares an odd one.
type Position = usize;

#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    /// Instants at which nothing was under way, as the server writes them.
    moments: Vec<String>,
    /// By key, by when it was recorded and when it had happened.
    sums: BTreeMap<Key, BTreeMap<(Position, Position), States>>,
    /// The instant that the command at hand tells of; none for now.
    told: Option<(Position, Option<String>)>,
}

impl Facts {
    pub(crate) fn note_moment(&mut self, instant: String) {
        self.moments.push(instant);
    }

    pub(super) fn now(&self) -> Position {
        (2 * self.moments.len()).saturating_sub(1)
    }

    /// Where a moment stands.
    pub(crate) fn position(&self, instant: &str) -> Position {
        let at = self.moments.iter().position(|moment| moment == instant);
        2 * at.expect("an instant that the history has seen")
    }

    /// From now on what is noted happened then; none: now.
    pub(super) fn tell(&mut self, instant: Option<&str>) {
        self.told = instant.map(|instant| (self.position(instant), Some(instant.to_owned())));
    }

    /// The same for an instant whose text nobody has seen yet.
    pub(super) fn tell_of(&mut self, position: Position, instant: Option<String>) {
        self.told = Some((position, instant));
    }

    /// What follows is told of now; returns what was told of until here.
    pub(super) fn pause(&mut self) -> Option<(Position, Option<String>)> {
        self.told.take()
    }

    pub(super) fn resume(&mut self, told: Option<(Position, Option<String>)>) {
        self.told = told;
    }

    /// The instant that the ledger says a movement happened at, where that is not when it was recorded.
    pub(super) fn told(&self) -> Option<String> {
        self.told.as_ref().and_then(|(_, instant)| instant.clone())
    }

    pub(super) fn note(&mut self, key: &Key, deltas: States) {
        let now = self.now();
        let occurred = self.told.as_ref().map_or(now, |(position, _)| *position);
        let sum = self
            .sums
            .entry(key.clone())
            .or_default()
            .entry((now, occurred))
            .or_default();
        *sum = sum.plus(deltas);
    }

    /// What is known now of a key at a position: what was told by then, and what had happened by then. None if that is nothing.
    pub(crate) fn known_of(&self, key: &Key, at: Position) -> Option<States> {
        let facts = self.sums.get(key)?.iter();
        facts
            .filter(|((recorded, occurred), _)| *recorded <= at || *occurred <= at)
            .map(|(_, deltas)| *deltas)
            .reduce(States::plus)
    }
}
