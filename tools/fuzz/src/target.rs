//! What a target is: a reader, its seeds, and what must hold of every input.

use crate::random::Random;

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
