//! SipHash-2-4 with the all-zero key of several strings of one length at once, one in each lane of a vector register.
//!
//! Everything is plain arithmetic on arrays of [`LANES`] numbers; only the instructions that the compiler may use
//! differ by processor.

use skimlog_formats::Id;

/// Strings hashed together.
const LANES: usize = 8;

/// A 64-bit number of each string.
type Lanes = [u64; LANES];

/// Hashes the 32 hexadecimal digits of every id into `hashes`, which is as long.
pub(super) fn hash_ids(ids: &[Id], hashes: &mut [u64]) {
    assert_eq!(ids.len(), hashes.len(), "a hash for each id");
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl") {
            // SAFETY: the processor has the instructions that the function may use.
            return unsafe { hash_ids_avx512(ids, hashes) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: as above.
            return unsafe { hash_ids_avx2(ids, hashes) };
        }
    }
    hash_all_ids(ids, hashes);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vl")]
fn hash_ids_avx512(ids: &[Id], hashes: &mut [u64]) {
    hash_all_ids(ids, hashes);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn hash_ids_avx2(ids: &[Id], hashes: &mut [u64]) {
    hash_all_ids(ids, hashes);
}

#[inline(always)]
fn hash_all_ids(ids: &[Id], hashes: &mut [u64]) {
    let (whole, last) = ids.as_chunks();
    let (whole_hashes, last_hashes) = hashes.as_chunks_mut();
    for (ids, hashes) in whole.iter().zip(whole_hashes) {
        *hashes = siphash(digits(ids));
    }
    let mut ids = [Id::default(); LANES];
    ids[..last.len()].copy_from_slice(last);
    last_hashes.copy_from_slice(&siphash(digits(&ids))[..last.len()]);
}

/// The 32 digits of every id as four words, first digit lowest.
#[inline(always)]
fn digits(ids: &[Id; LANES]) -> [Lanes; 4] {
    let mut words = [[0; LANES]; 4];
    for (quarter, word) in words.iter_mut().enumerate() {
        for (id, word) in ids.iter().zip(&mut *word) {
            let [a, b, c, d] = [0, 1, 2, 3].map(|byte| id.0[4 * quarter + byte]);
            *word = u64::from(u32::from_le_bytes([a, b, c, d]));
        }
        for word in word {
            // A byte of the id in each 16 bits, then a nibble in each byte, then its digit.
            let halves = (*word | *word << 16) & 0x0000_FFFF_0000_FFFF;
            let bytes = (halves | halves << 8) & 0x00FF_00FF_00FF_00FF;
            let nibbles = (bytes >> 4 | bytes << 8) & 0x0F0F_0F0F_0F0F_0F0F;
            let letters = (nibbles + 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101;
            *word = nibbles + 0x3030_3030_3030_3030 + (letters << 3) - letters;
        }
    }
    words
}

/// SipHash-2-4 of `WORDS` words for each string.
#[inline(always)]
fn siphash<const WORDS: usize>(words: [Lanes; WORDS]) -> Lanes {
    let mut state = [0x736f_6d65_7073_6575, 0x646f_7261_6e64_6f6d, 0x6c79_6765_6e65_7261, 0x7465_6462_7974_6573]
        .map(|initial: u64| [initial; LANES]);
    for word in words.into_iter().chain([[(8 * WORDS as u64) << 56; LANES]]) {
        each(&mut state[3], &word, |state, word| state ^ word);
        round(&mut state);
        round(&mut state);
        each(&mut state[0], &word, |state, word| state ^ word);
    }
    each(&mut state[2], &[0xFF; LANES], |state, end| state ^ end);
    (0..4).for_each(|_| round(&mut state));
    let [mut hashes, rest @ ..] = state;
    rest.iter().for_each(|rest| each(&mut hashes, rest, |hash, rest| hash ^ rest));
    hashes
}

#[inline(always)]
fn round([a, b, c, d]: &mut [Lanes; 4]) {
    each(a, b, u64::wrapping_add);
    each(b, a, |b, a| b.rotate_left(13) ^ a);
    each(a, &[0; LANES], |a, _| a.rotate_left(32));
    each(c, d, u64::wrapping_add);
    each(d, c, |d, c| d.rotate_left(16) ^ c);
    each(a, d, u64::wrapping_add);
    each(d, a, |d, a| d.rotate_left(21) ^ a);
    each(c, b, u64::wrapping_add);
    each(b, c, |b, c| b.rotate_left(17) ^ c);
    each(c, &[0; LANES], |c, _| c.rotate_left(32));
}

#[inline(always)]
fn each(numbers: &mut Lanes, others: &Lanes, combine: impl Fn(u64, u64) -> u64) {
    for lane in 0..LANES {
        numbers[lane] = combine(numbers[lane], others[lane]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Key;

    #[test]
    fn any_number_of_ids_is_hashed_as_one_by_one() {
        let ids: Vec<Id> = (0..100u128).map(|index| Id(index.wrapping_mul(u128::MAX / 97 * 5).to_le_bytes())).collect();
        for length in (0..20).chain([ids.len()]) {
            let expected: Vec<u64> = ids[..length].iter().map(|&id| Key::of(id).0).collect();
            let mut hashes = vec![0; length];
            hash_ids(&ids[..length], &mut hashes);
            assert_eq!(hashes, expected);
            hash_all_ids(&ids[..length], &mut hashes);
            assert_eq!(hashes, expected);
        }
    }
}
