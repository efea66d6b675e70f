//! Parts through bounded memory: mapping, blocks of whole lines, residency permits, an ordered parallel map.
//!
//! ```text
//! list_parts → LineBlocks (mapped, unpacked or a pipe) → ordered_map: workers → sink, in the blocks' order
//! ```

mod blocks;
mod content;
mod copies;
mod error;
mod lzop;
mod mapped;
mod name;
mod ordered;
mod packed;
mod parts;
mod passed_over;
mod permits;
mod refusal;

pub use blocks::{Block, BlockSize, LineBlocks};
pub use content::{Content, Foreign, Packing, Remedy};
pub use copies::find_copies;
pub use error::StreamError;
pub use name::part_name;
pub use ordered::{ordered_map, ordered_map_with};
pub use packed::unpack;
pub use parts::{PartList, RawPart, list_parts};
pub use passed_over::PassedOver;
pub use permits::{Permit, Permits};
pub use refusal::{Origin, content_of, expect_text};
