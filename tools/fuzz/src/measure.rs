//! Measures an input's memory (counting allocator) and time (the thread's clock), and catches panics.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;
use std::time::Duration;

thread_local! {
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
    static REFUSED: Cell<usize> = const { Cell::new(0) };
    static MEASURING: Cell<bool> = const { Cell::new(false) };
    static PANIC: RefCell<String> = const { RefCell::new(String::new()) };
    static LABEL: RefCell<String> = const { RefCell::new(String::new()) };
}

/// A single request beyond this is not given while an input is measured: no reader of a small file needs it, and the
/// machine may not have it.
const LARGEST_REQUEST: usize = 2 << 30;

/// The system's allocator, counting what the calling thread holds. A test that measures memory installs it as
/// `#[global_allocator]`.
pub struct CountingAllocator;

/// Says whose request was refused: most code cannot go on without, and the process ends.
fn tell(bytes: isize) {
    MEASURING.set(false);
    LABEL.with_borrow(|label| eprintln!("{label}: asks for {bytes} bytes at once"));
    if std::env::var_os("RUST_BACKTRACE").is_some_and(|wanted| wanted != "0") {
        eprintln!("{}", std::backtrace::Backtrace::force_capture());
    }
    MEASURING.set(true);
}

/// Whether a request is refused; counts it otherwise.
fn count(bytes: isize) -> bool {
    let refused = bytes > LARGEST_REQUEST as isize && MEASURING.try_with(Cell::get).unwrap_or(false);
    if refused {
        let _ = REFUSED.try_with(|refused| refused.set(bytes as usize));
        tell(bytes);
        return false;
    }
    // A thread that is ending has no counters any more.
    let _ = LIVE.try_with(|live| {
        live.set(live.get() + bytes);
        PEAK.with(|peak| peak.set(peak.get().max(live.get())));
    });
    true
}

// SAFETY: every request that is granted goes to the system's allocator as it came, and what that gives is returned; a
// refused one is answered by null, as a failed allocation is. Counting neither allocates nor unwinds.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises hold for the system's allocator.
        if count(layout.size() as isize) { unsafe { System.alloc(layout) } } else { std::ptr::null_mut() }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: as above; the pointer came from the system's allocator.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        if count(layout.size() as isize) { unsafe { System.alloc_zeroed(layout) } } else { std::ptr::null_mut() }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if count(size as isize - layout.size() as isize) {
            // SAFETY: as above; the pointer came from the system's allocator.
            unsafe { System.realloc(pointer, layout, size) }
        } else {
            std::ptr::null_mut()
        }
    }
}

/// What a piece of work took.
#[derive(Clone, Debug)]
pub struct Cost {
    /// Most bytes held at a time beyond what was held before.
    pub memory: usize,
    /// A single request that was refused for its size.
    pub refused: Option<usize>,
    /// Processor time of the calling thread.
    pub time: Duration,
}

/// Does some work on the calling thread, and tells what it took and the message and place of a panic. The label says
/// whose work it is, should the process end in it.
pub fn measured<T>(label: impl FnOnce() -> String, work: impl FnOnce() -> T) -> (Result<T, String>, Cost) {
    keep_panics();
    LABEL.set(label());
    let before = LIVE.get();
    PEAK.set(before);
    REFUSED.set(0);
    MEASURING.set(true);
    let begun = thread_time();
    let outcome = catch_unwind(AssertUnwindSafe(work));
    let time = thread_time().saturating_sub(begun);
    MEASURING.set(false);
    let memory = (PEAK.get() - before).max(0) as usize;
    let refused = Some(REFUSED.get()).filter(|&bytes| bytes > 0);
    let outcome = outcome.map_err(|_| PANIC.with_borrow(String::clone));
    (outcome, Cost { memory, refused, time })
}

/// Keeps the message of a panic in measured work instead of printing it; other panics are printed as ever.
fn keep_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let print = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if MEASURING.get() {
                PANIC.with_borrow_mut(|kept| *kept = panic.to_string());
            } else {
                print(panic);
            }
        }));
    });
}

fn thread_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
