//! Prefetching: loads memory into the cache before it is needed.

/// Asks the processor to bring the start of an item into its cache, where there is such an item. Scattered reads and
/// writes then wait for memory together instead of one after the other. Changes nothing else, and does nothing on
/// processors other than x86-64.
#[inline]
pub fn prefetch<T>(items: &[T], index: usize) {
    if let Some(item) = items.get(index) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: prefetching reads nothing; the address is a valid reference's.
        unsafe {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(item).cast());
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = item;
    }
}
