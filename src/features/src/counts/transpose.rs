//! Transposes records into columns.

use bytemuck::Pod;

/// So many records are turned together that a cache line of each fits the innermost cache.
const TOGETHER: usize = 128;

/// Numbers that records are made of.
pub(super) trait Number: Pod {
    /// Writes records, the first of which is number `first`, to columns of `rows` numbers each; a record may have more
    /// numbers than there are columns.
    fn transpose<const SLOTS: usize>(records: &[[Self; SLOTS]], columns: &mut [Self], rows: usize, first: usize);
}

macro_rules! number {
    ($number:ty, $square:path) => {
        impl Number for $number {
            fn transpose<const SLOTS: usize>(
                records: &[[Self; SLOTS]],
                columns: &mut [Self],
                rows: usize,
                first: usize,
            ) {
                #[cfg(target_arch = "x86_64")]
                {
                    #[target_feature(enable = "avx2")]
                    fn wide<const SLOTS: usize>(
                        records: &[[$number; SLOTS]],
                        columns: &mut [$number],
                        rows: usize,
                        first: usize,
                    ) {
                        transpose(records, columns, rows, first, |square| $square(square));
                    }
                    if is_x86_feature_detected!("avx2") {
                        // SAFETY: the processor has just been asked for what the function needs.
                        return unsafe { wide(records, columns, rows, first) };
                    }
                }
                transpose(records, columns, rows, first, |square: [[Self; 1]; 1]| square);
            }
        }
    };
}

number!(u32, avx2::square_of_u32);
number!(f64, avx2::square_of_f64);

/// [`Number::transpose`] by squares of `N` × `N`, which `turn` transposes.
#[inline(always)]
fn transpose<T: Pod, const N: usize, const SLOTS: usize>(
    records: &[[T; SLOTS]],
    columns: &mut [T],
    rows: usize,
    first: usize,
    turn: impl Fn([[T; N]; N]) -> [[T; N]; N],
) {
    const { assert!(SLOTS.is_multiple_of(N)) };
    for (records, first) in records.chunks(TOGETHER).zip((first..).step_by(TOGETHER)) {
        for (columns, group) in columns.chunks_mut(N * rows).zip(0..) {
            let (squares, left) = records.as_chunks::<N>();
            for (square, at) in squares.iter().zip((first..).step_by(N)) {
                let turned = turn(std::array::from_fn(|row| square[row].as_chunks().0[group]));
                for (column, numbers) in columns.chunks_exact_mut(rows).zip(turned) {
                    column[at..at + N].copy_from_slice(&numbers);
                }
            }
            let at = first + N * squares.len();
            for (column, slot) in columns.chunks_exact_mut(rows).zip(N * group..) {
                for (record, number) in left.iter().zip(&mut column[at..]) {
                    *number = record[slot];
                }
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::{
        __m256i, _mm256_permute2x128_si256, _mm256_unpackhi_epi32, _mm256_unpackhi_epi64, _mm256_unpacklo_epi32,
        _mm256_unpacklo_epi64,
    };

    /// Transposes.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) fn square_of_u32(square: [[u32; 8]; 8]) -> [[u32; 8]; 8] {
        let rows: [__m256i; 8] = bytemuck::cast(square);
        let low = |a: usize| _mm256_unpacklo_epi32(rows[a], rows[a + 1]);
        let high = |a: usize| _mm256_unpackhi_epi32(rows[a], rows[a + 1]);
        // Of four records each: numbers 0 and 1 (and 4 and 5), then 2 and 3 (and 6 and 7) of pairs of records.
        let of_four = [
            squares_of_pairs([low(0), low(2)]),
            squares_of_pairs([high(0), high(2)]),
            squares_of_pairs([low(4), low(6)]),
            squares_of_pairs([high(4), high(6)]),
        ];
        let [first, second, third, fourth] = of_four;
        let lower = |a, b| _mm256_permute2x128_si256::<0x20>(a, b);
        let upper = |a, b| _mm256_permute2x128_si256::<0x31>(a, b);
        bytemuck::cast([
            lower(first[0], third[0]),
            lower(first[1], third[1]),
            lower(second[0], fourth[0]),
            lower(second[1], fourth[1]),
            upper(first[0], third[0]),
            upper(first[1], third[1]),
            upper(second[0], fourth[0]),
            upper(second[1], fourth[1]),
        ])
    }

    /// Transposes.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) fn square_of_f64(square: [[f64; 4]; 4]) -> [[f64; 4]; 4] {
        let rows: [__m256i; 4] = bytemuck::cast(square);
        let ([first, second], [third, fourth]) =
            (squares_of_pairs([rows[0], rows[1]]), squares_of_pairs([rows[2], rows[3]]));
        bytemuck::cast([
            _mm256_permute2x128_si256::<0x20>(first, third),
            _mm256_permute2x128_si256::<0x20>(second, fourth),
            _mm256_permute2x128_si256::<0x31>(first, third),
            _mm256_permute2x128_si256::<0x31>(second, fourth),
        ])
    }

    /// Transposes both squares of 2 × 2 words that two rows of 2 + 2 words are.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn squares_of_pairs([a, b]: [__m256i; 2]) -> [__m256i; 2] {
        [_mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: Number + PartialEq + std::fmt::Debug>(number: impl Fn(usize) -> T) {
        const SLOTS: usize = 16;
        for columns in [1, 4, 7, 8, 13, SLOTS] {
            for count in [0, 1, 3, 8, 100, 128, 300] {
                let (rows, first) = (count + 5, 3);
                let records: Vec<[T; SLOTS]> =
                    (0..count).map(|row| std::array::from_fn(|slot| number(1 + row * SLOTS + slot))).collect();
                let mut turned = vec![number(0); columns * rows];
                T::transpose(&records, &mut turned, rows, first);
                for (slot, column) in turned.chunks_exact(rows).enumerate() {
                    let expected = (0..rows).map(|row| match row.checked_sub(first) {
                        Some(row) if row < count => number(1 + row * SLOTS + slot),
                        _ => number(0),
                    });
                    assert_eq!(column, expected.collect::<Vec<_>>(), "column {slot} of {columns}, {count} records");
                }
            }
        }
    }

    #[test]
    fn records_become_columns() {
        check(|number| number as u32);
        check(|number| number as f64);
    }
}
