//! Looks the texts of ids up in one file.

use std::path::Path;
use std::sync::Arc;

use skimlog_formats::Id;
use skimlog_formats::columnar::{Reader, Scalar, ValueType};

use super::KIND;
use super::block::TextBlock;
use super::error::IdsError;
use super::kept::{Found, KeptBlocks, Memory};
use super::writer::{FIRST, HASH, HASH_KEY, TEXT};

/// Bytes of decoded blocks that a dictionary keeps where nothing else is said.
const MEMORY: u64 = 64 << 20;

/// A dictionary of ids, mapped. Shared freely between threads.
#[derive(Debug)]
pub struct IdDictionary {
    file: Reader,
    text: usize,
    /// The first id of each block, ascending.
    firsts: Vec<Id>,
    kept: KeptBlocks,
}

impl IdDictionary {
    /// Maps a file and reads its footer. Blocks that were looked into stay in memory, decoded, up to 64 MiB.
    ///
    /// # Errors
    /// [`IdsError::File`] if the file cannot be read, is of another kind or damaged; [`IdsError::Hash`];
    /// [`IdsError::Misplaced`] if its blocks are not in the order of their ids.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, IdsError> {
        Self::open_within(path.as_ref(), MEMORY)
    }

    /// [`IdDictionary::open`] of a file that was opened already.
    ///
    /// # Errors
    /// As there.
    pub fn new(file: Reader) -> Result<Self, IdsError> {
        Self::sharing(file, &Memory::new(MEMORY))
    }

    /// [`IdDictionary::open`] with another number of bytes for decoded blocks.
    ///
    /// # Errors
    /// As there.
    pub fn open_within(path: impl AsRef<Path>, memory: u64) -> Result<Self, IdsError> {
        Self::sharing(Reader::open(path)?, &Memory::new(memory))
    }

    pub(super) fn sharing(file: Reader, memory: &Arc<Memory>) -> Result<Self, IdsError> {
        file.expect_kind(KIND)?;
        let (first, text) = (file.field(FIRST)?, file.field(TEXT)?);
        file.expect_type(first, ValueType::Id, false)?;
        file.expect_type(text, ValueType::U8, true)?;
        let hash = file.schema().metadata.get(HASH_KEY).map_or("", String::as_str);
        if hash != HASH {
            let found = hash.to_owned();
            return Err(IdsError::Hash { path: file.path().to_owned(), found, expected: HASH });
        }
        let misplaced = |block: usize, what| {
            let text = file.block_rows(block).start;
            IdsError::Misplaced { path: file.path().to_owned(), text, what }
        };
        let first_of = |block| match file.range(block, first) {
            Some((Scalar::Id(least), Scalar::Id(largest))) if least == largest => Ok(least),
            _ => Err(misplaced(block, "has several ids as the first of its block")),
        };
        let firsts: Vec<Id> = (0..file.blocks()).map(first_of).collect::<Result<_, _>>()?;
        if let Some(block) = firsts.windows(2).position(|pair| pair[0] >= pair[1]) {
            return Err(misplaced(block + 1, "does not have a higher id than the block before"));
        }
        let kept = KeptBlocks::new(firsts.len(), memory.clone());
        Ok(Self { file, text, firsts, kept })
    }

    /// The file's path, as it was opened.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Number of texts.
    pub fn len(&self) -> u64 {
        self.file.rows()
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Size of the file in bytes.
    pub fn bytes(&self) -> u64 {
        self.file.bytes()
    }

    /// The text of an id; `None` if the dictionary does not have it, as for texts that are ids themselves.
    ///
    /// # Errors
    /// [`IdsError::File`] or [`IdsError::Misplaced`] where the file is damaged.
    pub fn text(&self, id: Id) -> Result<Option<Vec<u8>>, IdsError> {
        let mut found = None;
        self.texts(&[id], |_, text| found = text.map(<[u8]>::to_vec))?;
        Ok(found)
    }

    /// The texts of many ids: calls `each` once for each of them, in no particular order, with its place in `ids` and
    /// its text, which is `None` as in [`IdDictionary::text`]. No block is decoded twice. Takes 8 bytes an id.
    ///
    /// # Errors
    /// As [`IdDictionary::text`].
    pub fn texts(&self, ids: &[Id], mut each: impl FnMut(usize, Option<&[u8]>)) -> Result<(), IdsError> {
        let mut order: Vec<usize> = (0..ids.len()).collect();
        order.sort_unstable_by_key(|&place| u128::from_be_bytes(ids[place].0));
        let mut rest = &order[..];
        while let Some(&place) = rest.first() {
            // Ids below the first block's have no block.
            let end = self.firsts.partition_point(|&first| first <= ids[place]);
            let below = |&place: &usize| self.firsts.get(end).is_none_or(|&end| ids[place] < end);
            let (of_block, others) = rest.split_at(rest.partition_point(below));
            match end.checked_sub(1) {
                None => of_block.iter().for_each(|&place| each(place, None)),
                Some(block) => {
                    let block = self.block(block)?;
                    of_block.iter().for_each(|&place| each(place, block.text(ids[place])));
                }
            }
            rest = others;
        }
        Ok(())
    }

    /// Calls `each` with every id and its text, in the order of the ids.
    ///
    /// # Errors
    /// As [`IdDictionary::text`], and what `each` says.
    pub fn visit<E: From<IdsError>>(&self, mut each: impl FnMut(Id, &[u8]) -> Result<(), E>) -> Result<(), E> {
        (0..self.firsts.len())
            .try_for_each(|block| self.decode(block)?.iter().try_for_each(|(id, text)| each(id, text)))
    }

    /// The first so many ids, or all if there are fewer, and their texts.
    ///
    /// # Errors
    /// As [`IdDictionary::text`].
    pub fn first(&self, texts: u64) -> Result<Vec<(Id, Vec<u8>)>, IdsError> {
        let mut first = Vec::new();
        for block in 0..self.firsts.len() {
            let left = texts - first.len() as u64;
            if left == 0 {
                break;
            }
            let left = usize::try_from(left).unwrap_or(usize::MAX);
            first.extend(self.decode(block)?.iter().take(left).map(|(id, text)| (id, text.to_vec())));
        }
        Ok(first)
    }

    /// Reads every byte, compares all checksums, and checks the order of all texts.
    ///
    /// # Errors
    /// As [`IdDictionary::text`].
    pub fn verify(&self) -> Result<(), IdsError> {
        self.file.verify()?;
        self.visit(|_, _| Ok(()))
    }

    fn block(&self, block: usize) -> Result<Found<'_>, IdsError> {
        self.kept.get(block, || self.decode(block))
    }

    fn decode(&self, block: usize) -> Result<TextBlock, IdsError> {
        let texts = self.file.lists(block, self.text)?;
        let end = self.firsts.get(block + 1).copied();
        TextBlock::new(texts, self.firsts[block], end).map_err(|(place, what)| {
            let text = self.file.block_rows(block).start + place as u64;
            IdsError::Misplaced { path: self.path().to_owned(), text, what }
        })
    }
}
