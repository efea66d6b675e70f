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
pub mod targets;

use std::cell::RefCell;
use std::collections::HashMap;

use random::Random;
pub use targets::{TARGETS, TargetEntry};

/// What a reader made of an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was refused, with this message.
    Rejected(String),
    /// It was read; the number stands for all values that were (equal values, equal numbers).
    Accepted(u64),
}

/// When an input that is accepted has to read as one of the seeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exact {
    /// Nothing guards the values: text, and files of other programs.
    Never,
    /// After one change. A checksum guards the values, but files of older versions, which have none, are read as
    /// well: two changes can make one of the other.
    OneChange,
    /// Whatever was changed: a checksum guards every byte.
    Always,
}

/// A reader, what it reads, and what must hold.
pub trait Target {
    /// Sound inputs to start from.
    fn seeds(&self) -> &[Vec<u8>];

    /// Reads an input as the program would.
    ///
    /// # Panics
    /// That is what fuzzing looks for: a panic of the reader, or a broken promise.
    fn check(&mut self, input: &[u8]) -> Verdict;

    /// When an accepted input has to read as one of the seeds.
    fn exact(&self) -> Exact {
        Exact::Never
    }

    /// Makes an input whose checksums are right although its contents are not; `None` where there is no checksum to
    /// satisfy.
    fn sealed(&self, _random: &mut Random) -> Option<Vec<u8>> {
        None
    }

    /// Bytes of memory that an input may take whatever its size.
    fn memory(&self) -> usize {
        64 << 20
    }

    /// What every message about a refused input must contain, such as the file's name.
    fn named(&self) -> &str {
        ""
    }
}

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

/// A number that stands for a value: that of its `Debug` text.
pub fn digest(value: &impl std::fmt::Debug) -> u64 {
    struct Hasher(xxhash_rust::xxh3::Xxh3);
    impl std::fmt::Write for Hasher {
        fn write_str(&mut self, text: &str) -> std::fmt::Result {
            self.0.update(text.as_bytes());
            Ok(())
        }
    }
    let mut hasher = Hasher(xxhash_rust::xxh3::Xxh3::new());
    std::fmt::write(&mut hasher, format_args!("{value:?}")).expect("a hasher takes everything");
    hasher.0.digest()
}
