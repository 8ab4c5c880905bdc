//! Somebody else is writing this target at this moment: leave this folder alone.

fn main() {}
