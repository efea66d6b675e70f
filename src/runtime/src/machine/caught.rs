//! Catches panics of dependencies and returns them as errors.

use std::any::Any;
use std::cell::Cell;
use std::panic::{UnwindSafe, catch_unwind};

thread_local! {
    static CATCHING: Cell<bool> = const { Cell::new(false) };
}

/// Runs something that may panic for what it is given, not for a bug of ours. Gives the panic's payload if it does.
///
/// # Errors
/// The payload.
pub fn caught<T>(work: impl FnOnce() -> T + UnwindSafe) -> Result<T, Box<dyn Any + Send>> {
    let before = CATCHING.replace(true);
    let outcome = catch_unwind(work);
    CATCHING.set(before);
    outcome
}

/// Whether a panic of this thread would be [`caught`]: it is no bug to report.
pub fn is_catching() -> bool {
    CATCHING.get()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_given_back_and_known_to_be_meanwhile() {
        assert!(!is_catching());
        assert!(caught(is_catching).unwrap());
        let payload = caught(|| panic!("of theirs")).unwrap_err();
        assert_eq!(payload.downcast_ref::<&str>(), Some(&"of theirs"));
        assert!(!is_catching());
    }
}
