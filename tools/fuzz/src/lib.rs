//! Fuzz targets: one for every reader of a file that may come from elsewhere.
//!
//! A [`Target`] has seeds (small valid files, made by the program's own writers or taken from `fixtures/`) and reads
//! an input as the program would. It must never panic, allocate more than a bound, take too long, or accept a damaged
//! file with other values than were written. Each target is defined once, in [`targets`], and run in
//! two ways:
//!
//! * `tests/fuzz.rs` runs a fixed number of inputs on stable, made by a seeded mutator ([`mutate`], [`sealed`]) and
//!   measured by [`measure`];
//! * `fuzz/` at the repository's root hands libFuzzer's inputs to [`run_one`].
//!
//! This crate is a tool: the product never links it.

pub mod measure;
pub mod mutate;
pub mod random;
pub mod run;
pub mod scratch;
pub mod sealed;
mod target;
pub mod targets;

use std::cell::RefCell;
use std::collections::HashMap;

pub use target::{Exact, Target, Verdict, digest};
pub use targets::{TARGETS, TargetEntry};

/// Runs an input through the target of this name, which is made at the first call.
///
/// # Panics
/// If there is no such target; and whenever the target does.
pub fn run_one(name: &'static str, input: &[u8]) {
    thread_local! {
        static MADE: RefCell<HashMap<&'static str, Box<dyn Target>>> = RefCell::default();
    }
    MADE.with_borrow_mut(|made| {
        let target = made.entry(name).or_insert_with(|| {
            let entry = TARGETS.iter().find(|entry| entry.name == name).expect("a target of this name");
            (entry.make)()
        });
        target.check(input);
    });
}
