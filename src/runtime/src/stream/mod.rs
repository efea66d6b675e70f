//! Parts through bounded memory: mapped, unpacked or piped, in blocks of whole lines.
//!
//! ```text
//! list_parts → content_of → LineBlocks (a Semaphore's Permit each) → ordered::ordered_map → sink, in the blocks' order
//! ```

mod blocks;
mod content;
mod copies;
mod error;
#[cfg(feature = "packed")]
mod lzop;
mod mapped;
mod name;
#[cfg(feature = "packed")]
mod packed;
mod parts;
mod passed_over;
mod refusal;

/// What stands for the reading of packed parts in a build without it.
#[cfg(not(feature = "packed"))]
mod packed {
    use std::io::{self, BufRead, Read};

    use super::Packing;

    /// Refuses whatever is packed.
    ///
    /// # Errors
    /// Always: this build lacks the feature `packed`.
    pub fn unpack(_packing: Packing, _input: impl BufRead + Send + 'static) -> io::Result<Box<dyn Read + Send>> {
        let what = "this build does not unpack files (it lacks the feature `packed`): unpack it first";
        Err(io::Error::new(io::ErrorKind::Unsupported, what))
    }
}

pub use blocks::{Block, BlockSize, LineBlocks};
pub use content::{Content, Foreign, Packing, Remedy, head};
pub use copies::find_copies;
pub use error::StreamError;
pub use name::part_name;
pub use packed::unpack;
pub use parts::{PartList, RawPart, in_order, list_parts};
pub use passed_over::PassedOver;
pub use refusal::{Origin, content_of, expect_text};
