//! Peak resident memory and processor time of this process, as the kernel counts them.

/// Peak resident memory in bytes since the start or the last [`reset_peak`]; `None` where the kernel does not say.
pub fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib * 1024)
}

/// Starts measuring the peak anew, once memory that was freed is given back. Without permission to, the peak stays that
/// of the whole process.
pub fn reset_peak() {
    give_back();
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// Time that all threads of this process have computed, in user and system mode.
pub fn processor_time() -> std::time::Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    std::time::Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}

/// Gives memory that was freed back to the system, where the allocator does not by itself.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn give_back() {
    // SAFETY: `malloc_trim(3)` of the GNU C library, declared as there; it may be called at any time from any thread.
    unsafe extern "C" {
        safe fn malloc_trim(pad: usize) -> std::ffi::c_int;
    }
    malloc_trim(0);
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn give_back() {}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #[test]
    fn a_large_allocation_shows() {
        let before = super::peak().unwrap();
        let block = vec![1u8; 64 << 20];
        assert!(super::peak().unwrap() >= before.max(block.len() as u64));
    }
}
