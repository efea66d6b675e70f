//! Slots: numbers by their magnitude, eight slots to an octave, and the bits that remain of a number in its slot.

/// Number of slots of 32-bit numbers.
pub(super) const SLOTS: usize = 240;

#[derive(Clone, Copy)]
pub(super) struct Slot {
    pub(super) base: u32,
    pub(super) mask: u32,
    pub(super) bits: u32,
}

/// The smallest number of every slot and how many of its bits remain; slots that do not exist stay zero.
pub(super) static TABLE: [Slot; 256] = {
    let mut table = [Slot { base: 0, mask: 0, bits: 0 }; 256];
    let mut slot = 0;
    while slot < SLOTS {
        let bits = if slot < 16 { 0 } else { slot as u32 / 8 - 1 };
        let base = if slot < 16 { slot as u32 } else { (8 + slot as u32 % 8) << bits };
        table[slot] = Slot { base, mask: (1 << bits) - 1, bits };
        slot += 1;
    }
    table
};

/// The slot of a number.
#[inline(always)]
pub(super) fn slot_of(number: u32) -> u8 {
    // Numbers below 8 get the exponent 3 too, which makes each its own slot.
    let exponent = (number | 8).ilog2();
    ((exponent - 3) * 8 + (number >> (exponent - 3))) as u8
}

/// A number on its way into the two streams.
#[derive(Clone, Copy)]
pub(super) struct Split {
    pub(super) slot: u8,
    pub(super) bits: u32,
    pub(super) rest: u32,
}

impl Split {
    #[inline(always)]
    pub(super) fn of(number: u32) -> Self {
        let slot = slot_of(number);
        let Slot { base, bits, .. } = TABLE[usize::from(slot)];
        Self { slot, bits, rest: number - base }
    }
}

/// A number below 2^20 in its parts, in one word: so tables of them stay small.
#[derive(Clone, Copy)]
pub(super) struct Parts(u32);

impl Parts {
    /// How many numbers have parts.
    pub(super) const NUMBERS: usize = 1 << 20;

    pub(super) fn of(number: u32) -> Self {
        let Split { slot, bits, rest } = Split::of(number);
        Self(u32::from(slot) | bits << 8 | rest << 13)
    }

    pub(super) fn from_word(word: u32) -> Self {
        Self(word)
    }

    pub(super) fn word(self) -> u32 {
        self.0
    }

    #[inline(always)]
    pub(super) fn split(self) -> Split {
        Split { slot: self.0 as u8, bits: self.0 >> 8 & 0x1F, rest: self.0 >> 13 }
    }

    /// The number.
    pub(super) fn number(self) -> u32 {
        let Split { slot, rest, .. } = self.split();
        TABLE[usize::from(slot)].base + rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_lies_in_its_slot() {
        for exponent in 0..32 {
            for near in [-2i64, -1, 0, 1, 2, 77, 12_345] {
                let Ok(number) = u32::try_from((1i64 << exponent) + near) else { continue };
                let slot = TABLE[usize::from(slot_of(number))];
                assert!(slot.base <= number && u64::from(number - slot.base) < 1 << slot.bits, "{number}");
            }
        }
        for number in (0..Parts::NUMBERS as u32).step_by(7).chain([Parts::NUMBERS as u32 - 1]) {
            assert_eq!(Parts::of(number).number(), number);
        }
        assert_eq!([0, 1, 15, 16, 17, 18, u32::MAX].map(slot_of), [0, 1, 15, 16, 16, 17, 239]);
    }
}
