//! Ctrl-C and SIGTERM for stages that can stop and resume later.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

static REQUESTED: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// Whether the user asked the program to stop, with Ctrl-C or SIGTERM.
///
/// The first call is what makes Ctrl-C wait for the program: who calls this promises to look again soon and to stop
/// when told so. A second Ctrl-C ends the program at once. Stages that never ask end at the first.
pub(super) fn requested() -> bool {
    let requested = REQUESTED.get_or_init(|| {
        let requested = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // In this order: the first signal finds the flag unset and sets it, the second finds it set and ends the
            // program. Where no handler can be registered, Ctrl-C does what it always did.
            let _ = flag::register_conditional_shutdown(signal, EXIT_CODE, Arc::clone(&requested));
            let _ = flag::register(signal, Arc::clone(&requested));
        }
        requested
    });
    requested.load(Ordering::Relaxed)
}

/// Whether the program was told to stop; never changes what Ctrl-C does.
pub(super) fn was_requested() -> bool {
    REQUESTED.get().is_some_and(|requested| requested.load(Ordering::Relaxed))
}

/// What a program ends with that was stopped with Ctrl-C: 128 + SIGINT.
pub(super) const EXIT_CODE: i32 = 130;
