//! What every stage runs on: streaming of parts larger than memory, external partitioning, files that are whole or not
//! there, the limits of the machine, progress.
//!
//! * [`stream`]: parts as blocks of whole lines, a parallel map that keeps their order, permits;
//! * [`shuffle`]: small records partitioned by key, in memory or on disk;
//! * [`files`]: outputs that appear under their name when they are whole, and the lock of a directory;
//! * [`machine`]: memory, processors, threads and open files that this process may use;
//! * [`progress`]: what a long computation reports, and whether it is to stop.

pub mod files;
pub mod identity;
pub mod machine;
pub mod ordered;
pub mod prefetch;
pub mod progress;
pub mod semaphore;
pub mod shuffle;
pub mod stream;
pub mod tensors;
