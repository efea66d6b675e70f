//! Spreading keys over partitions, buckets and ranges.

use crate::key::Key;

/// The partition of a key: keys are hashes, so that any number of partitions gets evenly many. `skipped` leading bits
/// are the same for all keys at hand.
pub(super) fn partition_of(key: Key, skipped: u32, partitions: usize) -> usize {
    let bits = key.0.checked_shl(skipped).unwrap_or(0);
    ((u128::from(bits) * partitions as u128) >> 64) as usize
}
