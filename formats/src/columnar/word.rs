//! The integers that the number encodings work on.

use super::encoding::Value;

/// An integer of a column: booleans are `u8`, floats the unsigned integers of the same bits.
pub(super) trait Word: Value + Ord + std::fmt::Debug {
    const BITS: u32;
    const BYTES: usize = Self::BITS as usize / 8;
    /// The smallest of all: 0 of an unsigned type.
    const LEAST: Self;
    /// The same bits; below a wider type's highest ones there are zeros.
    fn to_u64(self) -> u64;
    /// The lowest bits.
    fn from_u64(value: u64) -> Self;
    fn plus(self, other: Self) -> Self;
    fn minus(self, other: Self) -> Self;
    /// The smallest and the largest of some values.
    fn ends(values: &[Self]) -> Option<(Self, Self)>;
    /// How far each of some values lies above `minimum`, none of them by more than 255.
    fn narrow(values: &[Self], minimum: Self, bytes: &mut [u8]);
}

macro_rules! word {
    ($($integer:ty),*) => {$(
        impl Word for $integer {
            const BITS: u32 = <$integer>::BITS;
            const LEAST: Self = <$integer>::MIN;
            #[inline(always)]
            fn to_u64(self) -> u64 {
                self as u64
            }
            #[inline(always)]
            fn from_u64(value: u64) -> Self {
                value as $integer
            }
            #[inline(always)]
            fn plus(self, other: Self) -> Self {
                self.wrapping_add(other)
            }
            #[inline(always)]
            fn minus(self, other: Self) -> Self {
                self.wrapping_sub(other)
            }
            fn ends(values: &[Self]) -> Option<(Self, Self)> {
                #[inline(always)]
                fn ends(values: &[$integer]) -> Option<($integer, $integer)> {
                    let first = *values.first()?;
                    Some(values.iter().fold((first, first), |(low, high), &value| (low.min(value), high.max(value))))
                }
                #[cfg(target_arch = "x86_64")]
                {
                    #[target_feature(enable = "avx2")]
                    fn ends_wide(values: &[$integer]) -> Option<($integer, $integer)> {
                        ends(values)
                    }
                    if is_x86_feature_detected!("avx2") {
                        // SAFETY: the processor has just been asked for what the function needs.
                        return unsafe { ends_wide(values) };
                    }
                }
                ends(values)
            }
            fn narrow(values: &[Self], minimum: Self, bytes: &mut [u8]) {
                #[inline(always)]
                fn narrow(values: &[$integer], minimum: $integer, bytes: &mut [u8]) {
                    for (&value, byte) in values.iter().zip(bytes) {
                        *byte = value.wrapping_sub(minimum) as u8;
                    }
                }
                #[cfg(target_arch = "x86_64")]
                {
                    #[target_feature(enable = "avx2")]
                    fn narrow_wide(values: &[$integer], minimum: $integer, bytes: &mut [u8]) {
                        narrow(values, minimum, bytes);
                    }
                    if is_x86_feature_detected!("avx2") {
                        // SAFETY: the processor has just been asked for what the function needs.
                        return unsafe { narrow_wide(values, minimum, bytes) };
                    }
                }
                narrow(values, minimum, bytes);
            }
        }
    )*};
}
word!(u8, u16, u32, u64, i64);

/// The signed difference `value − reference` (modulo 2^width) as an unsigned number that is small where it is near 0.
#[inline(always)]
pub(super) fn zigzag<W: Word>(value: W, reference: W) -> W {
    let shift = 64 - W::BITS;
    let difference = (value.minus(reference).to_u64() << shift) as i64 >> shift;
    W::from_u64((difference << 1 ^ difference >> 63) as u64)
}

/// The value whose [`zigzag`] from `reference` is `code`.
#[inline(always)]
pub(super) fn unzigzag<W: Word>(code: W, reference: W) -> W {
    let code = code.to_u64();
    reference.plus(W::from_u64(code >> 1 ^ (code & 1).wrapping_neg()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_the_smallest_and_the_largest() {
        assert_eq!(u32::ends(&[]), None);
        for length in 1..80u64 {
            let values: Vec<u64> = (0..length).map(|i| (i + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)).collect();
            assert_eq!(u64::ends(&values), values.iter().copied().min().zip(values.iter().copied().max()));
            let bytes: Vec<u8> = values.iter().map(|value| (value >> 56) as u8).collect();
            assert_eq!(u8::ends(&bytes), bytes.iter().copied().min().zip(bytes.iter().copied().max()));
        }
    }

    #[test]
    fn zigzag_is_small_near_zero_and_wraps() {
        assert_eq!([5u32, 4, 6, 3].map(|value| zigzag(value, 5)), [0, 1, 2, 3]);
        for value in 0..=255u8 {
            for reference in [0, 1, 127, 128, 255] {
                assert_eq!(unzigzag(zigzag(value, reference), reference), value);
            }
        }
        for (value, reference) in [(0, u64::MAX), (u64::MAX, 0), (1 << 63, 0), (0, 1 << 63)] {
            assert_eq!(unzigzag(zigzag(value, reference), reference), value);
        }
    }
}
