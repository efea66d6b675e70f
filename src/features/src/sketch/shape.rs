//! Size of a sketch and of a code.

use super::error::SketchError;

/// Bits of a code before it is reduced to the sketch width; projected dimensions a depth.
pub const BITS: usize = 16;

/// Size of a sketch: `depth` rows of `width` numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct SketchShape {
    depth: u16,
    width: u32,
}

impl SketchShape {
    /// A sketch of `depth` rows (1 to 1,024) of `width` numbers (1 to 65,536: a code has 16 bits).
    ///
    /// # Errors
    /// [`SketchError::Shape`] for a size out of these ranges.
    pub fn new(depth: usize, width: usize) -> Result<Self, SketchError> {
        if !(1..=1024).contains(&depth) || !(1..=1 << BITS).contains(&width) {
            return Err(SketchError::Shape { depth, width });
        }
        Ok(Self { depth: depth as u16, width: width as u32 })
    }

    /// Rows of the sketch, codes of a token.
    pub const fn depth(self) -> usize {
        self.depth as usize
    }

    /// Numbers in a row, possible values of a code.
    pub const fn width(self) -> usize {
        self.width as usize
    }
}
