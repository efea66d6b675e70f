//! Bit strings: numbers of few bits, the least significant bit first, followed by 8 zero bytes.

/// The zero bytes after a bit string, so that a reader may load 8 bytes at any bit of it.
pub(super) const SLACK: usize = 8;

/// Writes a bit string.
#[derive(Default)]
pub(super) struct BitWriter {
    bytes: Vec<u8>,
    word: u64,
    filled: u32,
}

impl BitWriter {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes + 2 * SLACK), ..Self::default() }
    }

    /// Appends the lowest `bits` (at most 56) bits of `value`, whose other bits are zero.
    #[inline(always)]
    pub(super) fn push(&mut self, value: u64, bits: u32) {
        self.word |= value << self.filled;
        let filled = self.filled + bits;
        if filled >= 64 {
            // At most 56 bits are added, so at least 8 were there and the shift is less than 64.
            self.bytes.extend_from_slice(&self.word.to_le_bytes());
            self.word = value >> (64 - self.filled);
            self.filled = filled - 64;
        } else {
            self.filled = filled;
        }
    }

    /// The whole bit string with its slack.
    pub(super) fn finish(mut self) -> Vec<u8> {
        let rest = self.word.to_le_bytes();
        self.bytes.extend_from_slice(&rest[..self.filled.div_ceil(8) as usize]);
        self.bytes.extend_from_slice(&[0; SLACK]);
        self.bytes
    }
}

/// Length of a bit string of `bits` bits in bytes.
pub(super) fn length(bits: usize) -> usize {
    bits.div_ceil(8) + SLACK
}

/// The 57 or more bits from bit `at` on; `None` beyond the end.
#[inline(always)]
pub(super) fn load(string: &[u8], at: usize) -> Option<u64> {
    let bytes = string.get(at >> 3..)?.first_chunk::<8>()?;
    Some(u64::from_le_bytes(*bytes) >> (at & 7))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_all_widths_come_back() {
        let numbers: Vec<(u64, u32)> = (0..500u32)
            .map(|i| (i % 57, u64::from(i).wrapping_mul(0x9E37_79B9_7F4A_7C15)))
            .map(|(bits, number)| (number & ((1 << bits) - 1), bits))
            .collect();
        let mut writer = BitWriter::default();
        numbers.iter().for_each(|&(number, bits)| writer.push(number, bits));
        let string = writer.finish();
        let mut at = 0;
        for (number, bits) in numbers {
            assert_eq!(load(&string, at).map(|word| word & ((1 << bits) - 1)), Some(number));
            at += bits as usize;
        }
        assert_eq!(string.len(), length(at));
        assert_eq!(load(&string, string.len() * 8 - 56), None);
    }
}
