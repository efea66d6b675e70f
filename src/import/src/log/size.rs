//! How large blocks are.

use skimlog_runtime::stream::BlockSize;

/// Most rows of a block.
pub(super) const BLOCK_ROWS: usize = skimlog_formats::part::BLOCK_ROWS;
/// Most bytes of a block of text, and of a line.
pub(super) const BLOCK_BYTES: usize = 64 << 20;
/// Rows that are decoded at once.
pub(super) const CHUNK: usize = 4096;
/// How lines are cut into blocks.
pub(super) const BLOCK_SIZE: BlockSize = BlockSize { lines: BLOCK_ROWS, bytes: BLOCK_BYTES };
