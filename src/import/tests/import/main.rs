//! The promise of the package through its public API: logs in every format become the same records, and whatever is
//! wrong with a log or its mapping is one sentence.

#![allow(clippy::unwrap_used)]

mod files;
mod formats;
mod guesses;
mod mappings;
mod messages;
mod profiles;
