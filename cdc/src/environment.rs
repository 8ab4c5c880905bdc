//! The environment that a deployment belongs to; one topic carries its name.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Where a deployment stands on the way to production.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Environment {
    /// Development.
    #[default]
    Dev,
    /// System integration test.
    Sit,
    /// Production.
    Prod,
}

impl Environment {
    /// Every environment.
    pub const ALL: [Environment; 3] = [Self::Dev, Self::Sit, Self::Prod];

    /// Name in settings and topics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Sit => "sit",
            Self::Prod => "prod",
        }
    }

    /// The topic that carries the events of the inventory catalogue there.
    pub const fn events_topic(self) -> &'static str {
        match self {
            Self::Dev => "inventory.dev.events",
            Self::Sit => "inventory.sit.events",
            Self::Prod => "inventory.prod.events",
        }
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Environment {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|environment| environment.name() == name)
            .ok_or_else(|| format!("'{name}' is no environment; there are dev, sit and prod"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_carries_the_name_of_its_environment() {
        for environment in Environment::ALL {
            assert_eq!(environment.name().parse(), Ok(environment));
            assert_eq!(environment.events_topic(), format!("inventory.{environment}.events"));
        }
        assert!("production".parse::<Environment>().is_err());
    }
}
