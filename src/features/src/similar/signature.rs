//! Sets of readers in 64 bits.

/// A set of readers as 64 bits, one for each of 64 groups of readers: tells cheaply that two sets share few.
#[derive(Clone, Copy, Default)]
pub(super) struct Signature(u64);

impl Signature {
    pub(super) fn of(readers: &[u32]) -> Self {
        let mut signature = Self::default();
        readers.iter().for_each(|&reader| signature.add(reader));
        signature
    }

    pub(super) fn add(&mut self, reader: u32) {
        self.0 |= 1 << (reader.wrapping_mul(0x9E37_79B1) >> 26);
    }

    /// The most readers that two sets of these sizes with these signatures can share.
    #[inline]
    pub(super) fn most_shared(self, size: u32, other: Self, other_size: u32) -> u32 {
        let groups = (self.0 & other.0).count_ones();
        // A group that both have is one shared reader, and as many more as the group has further readers in both.
        groups + (size - self.0.count_ones()).min(other_size - other.0.count_ones())
    }

    /// Upper half first, for structures aligned to 32 bits.
    pub(super) fn halves(self) -> [u32; 2] {
        [(self.0 >> 32) as u32, self.0 as u32]
    }

    #[inline]
    pub(super) fn from_halves([high, low]: [u32; 2]) -> Self {
        Self(u64::from(high) << 32 | u64::from(low))
    }
}
