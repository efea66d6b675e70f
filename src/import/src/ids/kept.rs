//! Decoded blocks that stay in memory.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use super::block::TextBlock;

/// Memory for decoded blocks, which several dictionaries may share.
#[derive(Debug)]
pub(super) struct Memory {
    limit: u64,
    used: AtomicU64,
}

impl Memory {
    pub(super) fn new(limit: u64) -> Arc<Self> {
        Arc::new(Self { limit, used: AtomicU64::new(0) })
    }

    /// Takes so many bytes, if they are there.
    fn take(&self, bytes: u64) -> bool {
        let more = |used: u64| used.checked_add(bytes).filter(|&used| used <= self.limit);
        self.used.try_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }

    fn give_back(&self, bytes: u64) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// The blocks of a dictionary, as far as there was memory to keep them. Look-ups are spread evenly over the blocks, so
/// that it does not matter which ones stay: the first ones do.
#[derive(Debug)]
pub(super) struct KeptBlocks {
    blocks: Vec<OnceLock<Box<TextBlock>>>,
    memory: Arc<Memory>,
}

/// A block that is kept, or that is not.
pub(super) enum Found<'k> {
    Kept(&'k TextBlock),
    Passing(Box<TextBlock>),
}

impl std::ops::Deref for Found<'_> {
    type Target = TextBlock;

    fn deref(&self) -> &TextBlock {
        match self {
            Self::Kept(block) => block,
            Self::Passing(block) => block,
        }
    }
}

impl KeptBlocks {
    pub(super) fn new(blocks: usize, memory: Arc<Memory>) -> Self {
        Self { blocks: std::iter::repeat_with(OnceLock::new).take(blocks).collect(), memory }
    }

    /// A block, decoded unless it is kept.
    pub(super) fn get<E>(&self, block: usize, decode: impl FnOnce() -> Result<TextBlock, E>) -> Result<Found<'_>, E> {
        let place = &self.blocks[block];
        if let Some(kept) = place.get() {
            return Ok(Found::Kept(kept));
        }
        let decoded = Box::new(decode()?);
        let bytes = decoded.bytes();
        if !self.memory.take(bytes) {
            return Ok(Found::Passing(decoded));
        }
        if let Err(decoded) = place.set(decoded) {
            // Another thread was faster.
            self.memory.give_back(bytes);
            return Ok(Found::Passing(decoded));
        }
        Ok(Found::Kept(place.get().expect("it was set just now")))
    }
}

impl Drop for KeptBlocks {
    fn drop(&mut self) {
        let kept = self.blocks.iter().filter_map(OnceLock::get).map(|block| block.bytes()).sum();
        self.memory.give_back(kept);
    }
}
