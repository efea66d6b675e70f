//! The data set's 128-bit identifiers, written as 32 upper-case hexadecimal digits.

use std::fmt;

use bytemuck::{Pod, Zeroable};
use thiserror::Error;

/// A tweet, user, hashtag, link, domain or language id: 16 bytes, written as 32 upper-case hexadecimal digits.
///
/// Ids order as their text does.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Pod, Zeroable)]
#[repr(transparent)]
pub struct Id(pub [u8; 16]);

/// Why a byte string is not an [`Id`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum IdError {
    /// Not exactly 32 bytes long.
    #[error("an id has 32 hexadecimal digits, found {0} bytes")]
    Length(usize),
    /// A byte that is no upper-case hexadecimal digit, and where it stands in the text.
    #[error("an id has upper-case hexadecimal digits only, found byte 0x{byte:02X} at digit {at}")]
    Digit {
        /// The offending byte.
        byte: u8,
        /// Its 0-based place among the 32 digits.
        at: usize,
    },
}

const INVALID: u8 = 0xFF;

/// Value of every upper-case hexadecimal digit, [`INVALID`] for every other byte.
const NIBBLE: [u8; 256] = {
    let mut table = [INVALID; 256];
    let mut digit = 0;
    while digit < 16 {
        table[b"0123456789ABCDEF"[digit] as usize] = digit as u8;
        digit += 1;
    }
    table
};

impl Id {
    /// Reads 32 upper-case hexadecimal digits.
    ///
    /// Lower-case digits are refused: the data set has none, and an id must be written back as it was read.
    ///
    /// ```
    /// use skimlog_formats::Id;
    /// let id = Id::parse(b"00112233445566778899AABBCCDDEEFF").unwrap();
    /// assert_eq!(id.0[15], 0xFF);
    /// assert_eq!(id.to_string(), "00112233445566778899AABBCCDDEEFF");
    /// ```
    ///
    /// # Errors
    /// [`IdError`] for another length or another byte.
    #[inline]
    pub fn parse(text: &[u8]) -> Result<Self, IdError> {
        let digits: &[u8; 32] = text.try_into().map_err(|_| IdError::Length(text.len()))?;
        let mut id = [0; 16];
        let mut invalid = 0;
        for (byte, pair) in id.iter_mut().zip(digits.chunks_exact(2)) {
            let (high, low) = (NIBBLE[pair[0] as usize], NIBBLE[pair[1] as usize]);
            invalid |= high | low;
            *byte = high << 4 | low & 0xF;
        }
        if invalid & 0xF0 != 0 {
            let at = digits.iter().position(|&b| NIBBLE[b as usize] == INVALID).unwrap_or(0);
            return Err(IdError::Digit { byte: digits[at], at });
        }
        Ok(Self(id))
    }

    /// The 32 upper-case hexadecimal digits.
    #[inline]
    pub fn to_hex(self) -> [u8; 32] {
        let mut text = [0; 32];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            pair[0] = b"0123456789ABCDEF"[(byte >> 4) as usize];
            pair[1] = b"0123456789ABCDEF"[(byte & 0xF) as usize];
        }
        text
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Id({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_could_not_be_written_back() {
        assert_eq!(Id::parse(b"00"), Err(IdError::Length(2)));
        assert_eq!(Id::parse(b"00112233445566778899AABBCCDDEEFg"), Err(IdError::Digit { byte: b'g', at: 31 }));
        assert_eq!(Id::parse(b"a0112233445566778899AABBCCDDEEFF"), Err(IdError::Digit { byte: b'a', at: 0 }));
    }

    #[test]
    fn orders_as_its_text() {
        let (a, b) = (Id([0x0F; 16]), Id([0xA0; 16]));
        assert!(a < b && a.to_hex() < b.to_hex());
    }
}
