//! The handler of SIGBUS: zeros in the place of pages of a watched map that cannot be read.
//!
//! The watched addresses lie in a table that is only ever added to, so that the handler can read it without a lock,
//! also while another thread changes an entry. All a handler of signals may do is read and write atomics and call the
//! system.

use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, Once, OnceLock, PoisonError};

use libc::{c_int, c_void, sigaction, siginfo_t};

/// Entries of a piece of the table.
const ENTRIES: usize = 64;

/// A map's addresses.
#[derive(Debug)]
struct Entry {
    /// Odd while the bounds change.
    version: AtomicUsize,
    start: AtomicUsize,
    /// The first address beyond the last page; 0 in an entry that is free.
    end: AtomicUsize,
    had_fault: AtomicBool,
}

/// A piece of the table, and the next one.
struct Table {
    entries: [Entry; ENTRIES],
    next: AtomicPtr<Table>,
}

static TABLE: Table = Table::new();
/// Held by who takes an entry.
static TAKING: Mutex<()> = Mutex::new(());
/// What handled SIGBUS before.
static PREVIOUS: OnceLock<sigaction> = OnceLock::new();
static PAGE: AtomicUsize = AtomicUsize::new(4096);

/// The addresses of a map, watched until this is dropped.
#[derive(Debug)]
pub(super) struct Watch {
    entry: &'static Entry,
}

impl Watch {
    /// Watches the addresses of a map.
    ///
    /// # Safety
    /// Nobody writes to the map, and it is not given back before the watch is dropped: where a page of it cannot be
    /// read, the handler puts zero pages in the place of that page and all behind it.
    pub(super) unsafe fn over(map: &[u8]) -> Self {
        install();
        let taking = TAKING.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = TABLE.free_entry();
        entry.had_fault.store(false, SeqCst);
        let start = map.as_ptr() as usize;
        entry.set(start, (start + map.len()).next_multiple_of(PAGE.load(SeqCst)));
        drop(taking);
        Self { entry }
    }

    /// Whether a page could not be read.
    pub(super) fn had_fault(&self) -> bool {
        self.entry.had_fault.load(SeqCst)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.entry.set(0, 0);
    }
}

impl Table {
    const fn new() -> Self {
        Self { entries: [const { Entry::free() }; ENTRIES], next: AtomicPtr::new(ptr::null_mut()) }
    }

    /// This piece and all after it.
    fn pieces(&'static self) -> impl Iterator<Item = &'static Self> {
        // SAFETY: a piece that is linked in was leaked and is never changed but through its atomics.
        std::iter::successors(Some(self), |piece| unsafe { piece.next.load(SeqCst).as_ref() })
    }

    /// An entry nobody uses; the caller holds [`TAKING`].
    fn free_entry(&'static self) -> &'static Entry {
        let free = self.pieces().flat_map(|piece| &piece.entries).find(|entry| entry.end.load(SeqCst) == 0);
        free.unwrap_or_else(|| {
            let added: &'static Self = Box::leak(Box::new(Self::new()));
            let last = self.pieces().last().unwrap_or(self);
            last.next.store(ptr::from_ref(added).cast_mut(), SeqCst);
            &added.entries[0]
        })
    }

    /// The entry of the map that an address lies in, and where that map ends. Called by the handler.
    fn find(&'static self, address: usize) -> Option<(&'static Entry, usize)> {
        let entries = self.pieces().flat_map(|piece| &piece.entries);
        entries.filter_map(|entry| Some((entry, entry.end_if_within(address)?))).next()
    }
}

impl Entry {
    const fn free() -> Self {
        Self {
            version: AtomicUsize::new(0),
            start: AtomicUsize::new(0),
            end: AtomicUsize::new(0),
            had_fault: AtomicBool::new(false),
        }
    }

    fn set(&self, start: usize, end: usize) {
        self.version.fetch_add(1, SeqCst);
        self.start.store(start, SeqCst);
        self.end.store(end, SeqCst);
        self.version.fetch_add(1, SeqCst);
    }

    /// The map's end if `address` lies in it. A map that somebody reads does not change, so an entry that does is
    /// another's.
    fn end_if_within(&self, address: usize) -> Option<usize> {
        let version = self.version.load(SeqCst);
        let (start, end) = (self.start.load(SeqCst), self.end.load(SeqCst));
        let still = version.is_multiple_of(2) && version == self.version.load(SeqCst);
        (still && (start..end).contains(&address)).then_some(end)
    }
}

/// Puts the handler in front of what handled SIGBUS so far, once in the life of the process.
fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: plain calls of the system with pointers to what they fill. `handle` has the signature that SA_SIGINFO
        // asks for. A zeroed `sigaction` is a valid one, and its mask empty.
        unsafe {
            let page = libc::sysconf(libc::_SC_PAGESIZE);
            PAGE.store(usize::try_from(page).unwrap_or(4096), SeqCst);
            let mut previous: sigaction = std::mem::zeroed();
            if libc::sigaction(libc::SIGBUS, ptr::null(), &raw mut previous) == 0 {
                // Before the handler can run.
                PREVIOUS.get_or_init(|| previous);
            }
            let mut action: sigaction = std::mem::zeroed();
            action.sa_sigaction = handle as extern "C" fn(c_int, *mut siginfo_t, *mut c_void) as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            // Should it be refused, a lost page ends the process as it would have without us.
            libc::sigaction(libc::SIGBUS, &raw const action, ptr::null_mut());
        }
    });
}

extern "C" fn handle(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    // SAFETY: the system hands over a valid `info`; for a fault (a code above 0) it holds the address.
    let fault = unsafe { ((*info).si_code > 0).then(|| (*info).si_addr() as usize) };
    if let Some(address) = fault
        && let Some((entry, end)) = TABLE.find(address)
    {
        // Before the zeros can be seen: whoever reads them finds the mark.
        entry.had_fault.store(true, SeqCst);
        let start = address & !(PAGE.load(SeqCst) - 1);
        if put_zeros(start, end - start) {
            return;
        }
    }
    hand_on(signal, info, context, fault.is_some());
}

/// Puts zero pages in the place of mapped ones, to the map's end: when one is gone, all behind it usually are.
fn put_zeros(start: usize, bytes: usize) -> bool {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANON | libc::MAP_FIXED | libc::MAP_NORESERVE;
    // SAFETY: these addresses belong to a map of ours that the faulting thread is reading, so it is not given back
    // meanwhile. It stays readable, and is never written to.
    let placed = unsafe { libc::mmap(start as *mut c_void, bytes, libc::PROT_READ, flags, -1, 0) };
    placed as usize == start
}

/// Leaves the signal to what handled it before us.
fn hand_on(signal: c_int, info: *mut siginfo_t, context: *mut c_void, is_fault: bool) {
    let previous = PREVIOUS.get().filter(|previous| ![libc::SIG_DFL, libc::SIG_IGN].contains(&previous.sa_sigaction));
    // SAFETY: a handler that the system accepted has the signature its flags say. `signal` restored to its default
    // ends the process when the faulting instruction runs again, or when it is raised.
    unsafe {
        match previous {
            Some(previous) if previous.sa_flags & libc::SA_SIGINFO != 0 => {
                let handler: extern "C" fn(c_int, *mut siginfo_t, *mut c_void) =
                    std::mem::transmute(previous.sa_sigaction);
                handler(signal, info, context);
            }
            Some(previous) => {
                let handler: extern "C" fn(c_int) = std::mem::transmute(previous.sa_sigaction);
                handler(signal);
            }
            None => {
                libc::signal(signal, libc::SIG_DFL);
                if !is_fault {
                    libc::raise(signal);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_grows_and_entries_are_used_again() {
        let page = vec![0u8; 1 << 16];
        // SAFETY: the page is not written to, and lives longer than the watches.
        let watch = |bytes: &[u8]| unsafe { Watch::over(bytes) };
        let watches: Vec<_> = (0..3 * ENTRIES).map(|at| watch(&page[at * 16..at * 16 + 8])).collect();
        let address = page.as_ptr() as usize;
        assert!(TABLE.find(address + 40 * 16).is_some());
        assert!(watches.iter().all(|watch| !watch.had_fault()));
        let pieces = TABLE.pieces().count();
        drop(watches);
        assert!(TABLE.find(address + 40 * 16).is_none());
        let again: Vec<_> = (0..2 * ENTRIES).map(|_| watch(&page)).collect();
        assert!(TABLE.pieces().count() <= pieces.max(4), "entries are not used again");
        drop(again);
    }

    #[test]
    fn an_entry_holds_its_addresses_and_no_others() {
        let page = vec![0u8; 1 << 14];
        // SAFETY: as above.
        let watch = unsafe { Watch::over(&page) };
        let start = page.as_ptr() as usize;
        assert!(watch.entry.end_if_within(start).is_some() && watch.entry.end_if_within(start + 16_383).is_some());
        assert!(watch.entry.end_if_within(start - 1).is_none());
        watch.entry.version.fetch_add(1, SeqCst);
        assert!(watch.entry.end_if_within(start).is_none(), "bounds that change are another's");
        watch.entry.version.fetch_add(1, SeqCst);
    }
}
