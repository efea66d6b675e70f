//! The machine's sizes, and the limits that `ulimit` sets.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Bytes of memory that the machine has.
pub(super) fn machine_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("MemTotal:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib * 1024)
}

/// Bytes of memory that `ulimit -v` and `ulimit -d` leave.
pub(super) fn memory() -> Option<u64> {
    [Resource::As, Resource::Data].into_iter().filter_map(|resource| getrlimit(resource).current).min()
}

/// Bytes of address space that `ulimit -v` leaves beyond what is in use.
pub(super) fn addresses_left() -> Option<u64> {
    let limit = getrlimit(Resource::As).current?;
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = text.split_whitespace().next().and_then(|pages| pages.parse().ok()).unwrap_or(0);
    Some(limit.saturating_sub(pages * rustix::param::page_size() as u64))
}

/// Processors this process may run on.
pub(super) fn processors() -> Option<usize> {
    #[cfg(target_os = "linux")]
    if let Ok(processors) = rustix::thread::sched_getaffinity(None) {
        return Some(processors.count() as usize);
    }
    std::thread::available_parallelism().ok().map(usize::from)
}

/// Allows this process as many open files as it may allow itself: the usual 1,024 are few for thousands of parts.
pub fn raise_open_files() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    // Refused, it stays as it is, and running out of files is an error of its own.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}
