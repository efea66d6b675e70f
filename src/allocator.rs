//! The system's allocator, and a one-line error when it fails.
//!
//! The program ends here, because unwinding would need more memory. The files that it leaves have temporary names, and
//! are removed when the same command runs again.

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::{Cursor, Write};

/// Exit code of a program that was refused memory: that of any error.
const EXIT_CODE: i32 = 1;

/// The system's allocator.
pub(crate) struct Allocator;

// SAFETY: every call goes to the system's allocator, which keeps the promises; a call that returns at all returns
// what it did.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are the ones asked for.
        given(unsafe { System.alloc(layout) }, layout.size())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        given(unsafe { System.alloc_zeroed(layout) }, layout.size())
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as above.
        given(unsafe { System.realloc(memory, layout, size) }, size)
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[inline]
fn given(memory: *mut u8, bytes: usize) -> *mut u8 {
    if memory.is_null() {
        refused(bytes);
    }
    memory
}

#[cold]
#[inline(never)]
fn refused(bytes: usize) -> ! {
    // Without any allocation, and without locks that this thread may hold already.
    let mut text = Cursor::new([0; 256]);
    // What does not fit is left out.
    let _ = writeln!(
        text,
        "skimmer: out of memory: the system refused {bytes} bytes more; lower memory_budget, max_n_parts_in_memory or \
         threads, or allow more (ulimit -v, the control group's limit)"
    );
    let length = text.position() as usize;
    let text = &text.get_ref()[..length];
    // SAFETY: the bytes are there. `_exit` ends the process at once, without handlers that might ask for memory.
    unsafe {
        let _ = libc::write(libc::STDERR_FILENO, text.as_ptr().cast(), text.len());
        libc::_exit(EXIT_CODE)
    }
}
