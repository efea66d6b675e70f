//! What this process may use of the machine: memory, processors, threads, open files.
//!
//! The machine's own sizes say little in a container, under a batch system or behind `ulimit`: what counts is the
//! smallest of all limits that hold for this process.

mod caught;
mod control_groups;
mod limits;
mod mounts;
mod workers;

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::OnceLock;

pub use caught::{caught, is_catching};
pub use limits::raise_open_files;
pub use mounts::is_mount_point;
pub use workers::{Running, Workers, go_alone, refused_threads, run_beside, run_within, spawn_scoped, start_workers};

/// Bytes of memory if nothing says how much there is.
const UNKNOWN_MEMORY: u64 = 4 << 30;
/// Address space that a thread takes: its stack, and a heap of its own in the C library.
const THREAD_ADDRESSES: u64 = 66 << 20;

/// Bytes of memory this process may use: the machine's, or the lowest limit of its control groups and of `ulimit`.
pub fn memory() -> u64 {
    let groups = control_groups::limits(Path::new("/"));
    let limits = [limits::machine_memory(), groups.memory, limits::memory()];
    limits.into_iter().flatten().min().unwrap_or(UNKNOWN_MEMORY)
}

/// Threads that can compute at the same time: the processors this process may run on, or fewer where its control groups
/// give it less of their time, or `ulimit` no room for more.
///
/// As they were when this was first asked for: threads that were started since take of what is left.
pub fn threads() -> NonZeroUsize {
    static THREADS: OnceLock<NonZeroUsize> = OnceLock::new();
    *THREADS.get_or_init(|| {
        let groups = control_groups::limits(Path::new("/"));
        // A rest of a processor is worth a thread, which the system holds back when the time is used up.
        let time = groups.processors.map(|processors| processors.ceil() as usize);
        // Half of what is left, for the other half is for data.
        let room = limits::addresses_left().map(|bytes| (bytes / 2 / THREAD_ADDRESSES) as usize);
        let threads = [limits::processors(), time, room].into_iter().flatten().min();
        NonZeroUsize::new(threads.unwrap_or(1)).unwrap_or(NonZeroUsize::MIN)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_has_memory_and_threads() {
        assert!(memory() > 1 << 20);
        assert!(threads().get() <= std::thread::available_parallelism().map_or(1, usize::from).max(1) + 1);
    }
}
