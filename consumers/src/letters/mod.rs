//! Dead letters from the other side: finding them, sending them again, dropping them.
//!
//! `headers.rs` is what the runtime writes around a record that it gives up, and what a redrive writes around one that
//! it sends again; `walk.rs` reads, `closed.rs` remembers what was done, `act.rs` does it.
//!
//! A letter goes back to the topic and partition that its record came from, as it was, and names the group that had
//! given it up: other groups leave it alone, so that a letter that two groups had each does not become four. All sinks
//! are guarded by row versions, so even a group of another team that takes it again sees only what it had.

mod act;
mod closed;
pub(crate) mod headers;
mod letter;
mod walk;

use onhand_cdc::KafkaConfig;
use onhand_cdc::topics::TopicsError;
use rdkafka::error::KafkaError;

pub use act::{Actor, Batch, Router, Target, Unsendable, ensure_state_topic};
pub use closed::{Act, Closed};
pub use letter::{Filter, Letter, LetterId, Origin, Wanted};
pub use walk::Walk;

/// Dead letters cannot be read or acted on.
#[derive(Debug, thiserror::Error)]
pub enum LettersError {
    /// Kafka does not answer or refuses.
    #[error("kafka does not do it")]
    Kafka(#[from] KafkaError),
    /// A topic cannot be made.
    #[error("the topic for what was done cannot be made")]
    Topics(#[from] TopicsError),
    /// Records are there and do not come.
    #[error("no record of {0}, partition {1}, came in time")]
    Silent(String, i32),
    /// A batch of nothing.
    #[error("a batch needs a letter")]
    Empty,
}

/// Everything that was done about letters. Blocks.
///
/// # Errors
/// If Kafka cannot be read.
pub fn read_closed(config: &KafkaConfig) -> Result<Closed, LettersError> {
    walk::read_closed(config)
}

/// Goes through the letters that the filter means. Blocks.
///
/// # Errors
/// If Kafka cannot be read.
pub fn walk(config: &KafkaConfig, filter: &Filter) -> Result<Walk, LettersError> {
    Walk::open(config, filter)
}

/// Forgets what was done about letters whose retention has ended. Blocks.
///
/// # Errors
/// If Kafka does not take it.
pub fn tidy(actor: &mut Actor, walk: &Walk) -> Result<(), LettersError> {
    actor.tidy(&walk.lows())
}
