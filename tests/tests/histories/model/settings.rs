//! Settings of a level, and what readers do not count.

use super::lots::Naming;
use super::{Key, Level, Model, Refusal, States, Status};
use crate::ledger::{Ledger, Movement};
use crate::script::Settings;

impl Model {
    /// Follows a change of settings. `refused` is the SQLSTATE of the refusal, if it was refused.
    pub(crate) fn set_policy(
        &mut self,
        key: &Key,
        settings: &Settings,
        refused: Option<&str>,
        ledger: &mut Ledger,
    ) -> Result<(), String> {
        let mut next = self.clone();
        next.effects.clear();
        let verdict = next.new_settings(key, settings);
        match (verdict, refused) {
            (Ok(()), None) => {
                ledger.take(&next.effects)?;
                *self = next;
                Ok(())
            }
            (Err(refusal), Some(code)) if refusal.0 == code => Ok(()),
            (verdict, _) => Err(format!("the settings were answered with {refused:?}, not {verdict:?}")),
        }
    }

    fn new_settings(&mut self, key: &Key, settings: &Settings) -> Result<(), Refusal> {
        if self.items[&key.0].kind == "digital" && settings.policy.is_some() {
            return Err(Refusal("IV008"));
        }
        match self.levels.get(key) {
            // Nothing is written, and nothing freed, for what is so already.
            Some(level) if has_already(level, settings) => return Ok(()),
            Some(_) => {}
            None => {
                let level = self.level(key);
                self.write_settings(key, level);
            }
        }
        self.free_due(key)?;
        let mut level = self.level(key);
        let strict = settings.policy.is_some_and(|policy| policy != "oversell");
        if strict && level.states.available() < 0 {
            return Err(Refusal("IV001"));
        }
        level.safety_stock = settings.safety_stock.unwrap_or(level.safety_stock);
        level.reorder_point = settings.reorder_point.unwrap_or(level.reorder_point);
        level.policy = settings.policy.map_or(level.policy, str::to_owned);
        let endless = level.endless();
        self.write_settings(key, level);
        if endless {
            self.fill(key)?;
        }
        Ok(())
    }

    fn write_settings(&mut self, key: &Key, mut level: Level) {
        level.version = self.next_version(level.version);
        let movement = Movement {
            kind: "policy".to_owned(),
            deltas: States::default(),
            after: level.states,
            version: level.version,
            hold: None,
            transfer: None,
            told: None,
        };
        self.facts.note(key, States::default());
        self.effects.push((key.clone(), movement));
        self.levels.insert(key.clone(), level);
    }

    /// What readers are told of a key: nothing that is due counts any more, swept or not.
    pub(crate) fn as_read(&self, key: &Key) -> States {
        let mut seen = self.clone();
        for (_, id) in self.due_on(key) {
            seen.end_line(id, key, (Status::Expired, 0), ("expire", Naming::default()))
                .expect("a line that is due can be ended");
        }
        seen.expire_lots(key).expect("a lot that is due can be ended");
        seen.level(key).states
    }

    /// After a sweep nothing is due any more.
    pub(crate) fn none_is_due(&self) -> Result<(), String> {
        let left = self
            .holds
            .iter()
            .find(|(_, hold)| hold.status == Status::Pending && self.is_due(hold));
        left.map_or(Ok(()), |(id, _)| Err(format!("the sweep left {id}")))
    }
}

fn has_already(level: &Level, settings: &Settings) -> bool {
    settings.safety_stock.is_none_or(|units| units == level.safety_stock)
        && settings.reorder_point.is_none_or(|units| units == level.reorder_point)
        && settings.policy.is_none_or(|policy| policy == level.policy)
}
