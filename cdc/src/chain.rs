//! Errors as one line of text.

use std::error::Error;

/// An error and everything that led to it, from the outside in: what a log line, a health report or a dead letter says.
pub fn error_chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}
