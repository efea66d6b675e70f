//! Where the separators of a line lie, as bits of 64 bytes at a time, on processors with AVX2 or AVX-512.
//!
//! Both ways go the same way through a line. AVX2 takes the bits one after the other; AVX-512 turns them into places at
//! once.

use std::arch::x86_64::{
    __m256i, __m512i, _MM_HINT_T0, _mm_prefetch, _mm256_cmpeq_epi8, _mm256_movemask_epi8, _mm256_set1_epi8,
    _mm512_add_epi32, _mm512_castsi512_si128, _mm512_cmpeq_epi8_mask, _mm512_cvtepu8_epi32, _mm512_loadu_si512,
    _mm512_maskz_compress_epi8, _mm512_set1_epi8, _mm512_set1_epi32, _mm512_shuffle_i64x2, _mm512_storeu_si512,
};

use super::{FIELD_SEPARATOR, FieldCount, LIST_SEPARATOR, MAX_RECORD_BYTES};

/// Longest list of tokens that is read here.
pub(super) const MOST_TOKENS: usize = 1024;
/// Room for the places of a record's separators beyond those of its tokens.
pub(super) const MOST_FIELDS: usize = 96;
/// The most places that are written at once, whether there are so many or not.
pub(super) const AT_ONCE: usize = 64;

/// Where a line's fields end.
pub(super) struct FieldEnds {
    /// The last one is the line's end.
    pub(super) places: [u32; MOST_FIELDS],
    pub(super) length: usize,
}

/// Whether the processor can turn bits into places.
pub(super) fn has_avx512() -> bool {
    is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vbmi2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("popcnt")
}

/// Finds where the tokens of a line end; gives how many there are.
#[target_feature(enable = "avx2,bmi1,popcnt")]
pub(super) fn token_ends(text: &[u8], ends: &mut [u32]) -> Option<usize> {
    find_token_ends(text, ends, |bytes, byte| equal(bytes, byte), |bits, at, places| write::<8>(bits, at, places))
}

/// [`token_ends`] with AVX-512.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,bmi1,popcnt")]
pub(super) fn token_ends_512(text: &[u8], ends: &mut [u32]) -> Option<usize> {
    find_token_ends(text, ends, |bytes, byte| equal_512(bytes, byte), |bits, at, places| write_512(bits, at, places))
}

/// Finds where the fields of a line end whose first field ends at `first`; `None` if it has another number of fields.
#[target_feature(enable = "avx2,bmi1,popcnt")]
pub(super) fn field_ends(text: &[u8], first: usize, fields: FieldCount) -> Option<FieldEnds> {
    find_field_ends(
        text,
        first,
        fields,
        |bytes, byte| equal(bytes, byte),
        |bits, at, places| write::<4>(bits, at, places),
    )
}

/// [`field_ends`] with AVX-512.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,bmi1,popcnt")]
pub(super) fn field_ends_512(text: &[u8], first: usize, fields: FieldCount) -> Option<FieldEnds> {
    find_field_ends(
        text,
        first,
        fields,
        |bytes, byte| equal_512(bytes, byte),
        |bits, at, places| write_512(bits, at, places),
    )
}

#[inline(always)]
fn find_token_ends(
    text: &[u8],
    ends: &mut [u32],
    equal: impl Fn(&[u8; 64], u8) -> u64,
    write: impl Fn(u64, u32, &mut [u32]) -> Option<()>,
) -> Option<usize> {
    let mut count = 0;
    for at in (0..MAX_RECORD_BYTES).step_by(64) {
        let bytes = text.get(at..)?.first_chunk()?;
        fetch_ahead(bytes);
        let fields = equal(bytes, FIELD_SEPARATOR);
        // Up to the first separator of fields.
        let found = (equal(bytes, LIST_SEPARATOR) | fields) & (fields ^ fields.wrapping_sub(1));
        write(found, at as u32, ends.get_mut(count..)?)?;
        count += found.count_ones() as usize;
        if fields != 0 {
            return (count <= MOST_TOKENS).then_some(count);
        }
    }
    None
}

#[inline(always)]
fn find_field_ends(
    text: &[u8],
    first: usize,
    fields: FieldCount,
    equal: impl Fn(&[u8; 64], u8) -> u64,
    write: impl Fn(u64, u32, &mut [u32]) -> Option<()>,
) -> Option<FieldEnds> {
    let mut ends = FieldEnds { places: [0; MOST_FIELDS], length: 0 };
    let mut count = 0;
    for at in (first..MAX_RECORD_BYTES).step_by(64) {
        let bytes = text.get(at..)?.first_chunk()?;
        fetch_ahead(bytes);
        let newlines = equal(bytes, b'\n');
        let found = (equal(bytes, FIELD_SEPARATOR) | newlines) & (newlines ^ newlines.wrapping_sub(1));
        let more = found.count_ones() as usize;
        if count + more > fields.fields() {
            return None;
        }
        write(found, at as u32, &mut ends.places[count..])?;
        count += more;
        if newlines != 0 {
            ends.length = at + newlines.trailing_zeros() as usize;
            return (count == fields.fields()).then_some(ends);
        }
    }
    None
}

/// Asks for what comes a page behind some bytes: left alone, the processor stops fetching at the end of every page.
#[inline(always)]
fn fetch_ahead(bytes: &[u8; 64]) {
    // SAFETY: a hint, which fails silently where there is no memory.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(bytes.as_ptr().cast::<i8>().wrapping_add(2048)) };
}

/// A bit for each byte that is `byte`.
#[target_feature(enable = "avx2,bmi1,popcnt")]
#[inline]
fn equal(bytes: &[u8; 64], byte: u8) -> u64 {
    let [low, high]: [__m256i; 2] = bytemuck::cast(*bytes);
    let byte = _mm256_set1_epi8(byte as i8);
    let low = _mm256_movemask_epi8(_mm256_cmpeq_epi8(low, byte)) as u32;
    let high = _mm256_movemask_epi8(_mm256_cmpeq_epi8(high, byte)) as u32;
    u64::from(low) | u64::from(high) << 32
}

/// Writes the places of bits, the first of which is at `at`; `None` if there is no room for them.
///
/// `GROUP` at a time whether there are so many or not: then the processor guesses well how it goes on.
#[target_feature(enable = "avx2,bmi1,popcnt")]
#[inline]
fn write<const GROUP: usize>(mut bits: u64, at: u32, places: &mut [u32]) -> Option<()> {
    let mut places = places.as_chunks_mut::<GROUP>().0.iter_mut();
    while bits != 0 {
        for place in places.next()? {
            *place = at + bits.trailing_zeros();
            bits &= bits.wrapping_sub(1);
        }
    }
    Some(())
}

/// [`equal`] with AVX-512.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,bmi1,popcnt")]
#[inline]
fn equal_512(bytes: &[u8; 64], byte: u8) -> u64 {
    _mm512_cmpeq_epi8_mask(load(bytes), _mm512_set1_epi8(byte as i8))
}

/// [`write()`] with AVX-512, 16 at a time.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,bmi1,popcnt")]
#[inline]
fn write_512(bits: u64, at: u32, places: &mut [u32]) -> Option<()> {
    static PLACES: [u8; 64] = {
        let mut places = [0; 64];
        let mut place = 0;
        while place < 64 {
            places[place] = place as u8;
            place += 1;
        }
        places
    };
    let at = _mm512_set1_epi32(at as i32);
    let mut found = _mm512_maskz_compress_epi8(bits, load(&PLACES));
    let mut left = bits.count_ones();
    let mut places = places.as_chunks_mut::<16>().0.iter_mut();
    while left > 0 {
        let sixteen = _mm512_add_epi32(_mm512_cvtepu8_epi32(_mm512_castsi512_si128(found)), at);
        let out: &mut [u32; 16] = places.next()?;
        // SAFETY: there are 64 bytes to write to.
        unsafe { _mm512_storeu_si512(out.as_mut_ptr().cast(), sixteen) };
        found = _mm512_shuffle_i64x2::<0b00_11_10_01>(found, found);
        left = left.saturating_sub(16);
    }
    Some(())
}

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,bmi1,popcnt")]
#[inline]
fn load(bytes: &[u8; 64]) -> __m512i {
    // SAFETY: there are 64 bytes to read.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bits_become_places(
            bits in prop_oneof![any::<u64>(), Just(0), Just(u64::MAX), (0..64u32).prop_map(|bit| 1 << bit)],
            at in 0..1u32 << 20,
        ) {
            let expected: Vec<u32> = (0..64).filter(|bit| bits >> bit & 1 == 1).map(|bit| at + bit).collect();
            let check = |write: &dyn Fn(&mut [u32]) -> Option<()>| {
                let mut places = [0; AT_ONCE];
                write(&mut places).unwrap();
                assert_eq!(&places[..expected.len()], &expected[..]);
                assert_eq!(write(&mut [0; 3]).is_some(), bits == 0);
            };
            let has_bits = is_x86_feature_detected!("bmi1") && is_x86_feature_detected!("popcnt");
            if is_x86_feature_detected!("avx2") && has_bits {
                // SAFETY: the processor has just been asked.
                check(&|places| unsafe { write::<8>(bits, at, places) });
            }
            if has_avx512() {
                // SAFETY: as above.
                check(&|places| unsafe { write_512(bits, at, places) });
            }
        }
    }
}
