//! The similar authors of every author, mapped.

use std::path::Path;

use super::FrozenError;
use super::sections::{self, FileWriter, HEADER, Kind, MappedFile};
use crate::key::Key;
use crate::similar::SimilarAuthors;

const AUTHORS_SECTION: usize = 0;
const OFFSETS_SECTION: usize = 1;
const SIMILAR_SECTION: usize = 2;
const SCORES_SECTION: usize = 3;

/// Similar authors in a mapped file: what [`SimilarAuthors`] knows, without the memory.
pub struct FrozenSimilar {
    file: MappedFile,
}

impl FrozenSimilar {
    /// Writes a file.
    ///
    /// # Errors
    /// [`FrozenError::Io`] where it cannot be written.
    pub fn write(path: &Path, similar: &SimilarAuthors) -> Result<(), FrozenError> {
        let file = FileWriter::create(path)?;
        let mut sections = Vec::new();
        let mut end = HEADER;
        let mut write = |items: &mut dyn Iterator<Item = &[u8]>| -> Result<(), FrozenError> {
            let mut section = file.section(sections::aligned(end))?;
            for bytes in items {
                section.write(bytes)?;
            }
            end = section.end();
            sections.push(section.finish()?);
            Ok(())
        };
        let authors: Vec<Key> = similar.iter().map(|(author, _)| author).collect();
        let ends = similar.iter().scan(0, |end, (_, (keys, _))| {
            *end += keys.len() as u64;
            Some(*end)
        });
        let offsets: Vec<u64> = [0].into_iter().chain(ends).collect();
        write(&mut [bytemuck::cast_slice(&authors)].into_iter())?;
        write(&mut [bytemuck::cast_slice(&offsets)].into_iter())?;
        write(&mut similar.iter().map(|(_, (keys, _))| bytemuck::cast_slice(keys)))?;
        write(&mut similar.iter().map(|(_, (_, scores))| bytemuck::cast_slice(scores)))?;
        let entries = offsets.last().copied().unwrap_or(0);
        file.finish(Kind::Similar, [authors.len() as u64, entries, 0, 0], &sections)
    }

    /// Maps a file and checks its header, its sizes and its lists' positions.
    ///
    /// # Errors
    /// [`FrozenError`] where the file cannot be mapped, is of another kind or version, or is damaged.
    pub fn open(path: &Path) -> Result<Self, FrozenError> {
        let similar = Self { file: MappedFile::open(path, Kind::Similar)? };
        similar.file.checked(similar.check())?;
        Ok(similar)
    }

    fn check(&self) -> Result<(), FrozenError> {
        let file = &self.file;
        let [authors, entries, ..] = file.parameters;
        let sizes = [Some(authors), authors.checked_add(1), Some(entries), Some(entries)];
        for (section, size) in sizes.into_iter().enumerate() {
            if size.and_then(|size| size.checked_mul(8)) != Some(file.section(section).len() as u64) {
                let what = format!("a section of {} bytes for {authors} authors", file.section(section).len());
                return Err(file.damaged(file.range(section).start, what));
            }
        }
        let offsets = self.offsets();
        if offsets.first() != Some(&0) || offsets.last() != Some(&entries) || !offsets.is_sorted() {
            return Err(file.damaged(file.range(OFFSETS_SECTION).start, "the positions of the lists make no sense"));
        }
        Ok(())
    }

    /// Whether all that was read so far was the file's: to be asked before anything made of it goes on.
    ///
    /// # Errors
    /// [`FrozenError::Lost`] if the file became shorter meanwhile.
    pub fn intact(&self) -> Result<(), FrozenError> {
        self.file.intact()
    }

    /// Reads the whole file and compares its checksums.
    ///
    /// # Errors
    /// [`FrozenError::Damaged`] where they differ.
    pub fn verify(&self) -> Result<(), FrozenError> {
        self.file.verify()
    }

    /// Keys of an author's similar authors and their Jaccard similarities, best first; empty for an unknown author.
    pub fn get(&self, author: Key) -> (&[Key], &[f64]) {
        let authors: &[Key] = bytemuck::cast_slice(self.file.section(AUTHORS_SECTION));
        let Ok(index) = authors.binary_search(&author) else { return (&[], &[]) };
        let range = self.offsets()[index] as usize..self.offsets()[index + 1] as usize;
        let similar: &[Key] = bytemuck::cast_slice(self.file.section(SIMILAR_SECTION));
        let scores: &[f64] = bytemuck::cast_slice(self.file.section(SCORES_SECTION));
        // `check` found all positions within the file; they are no longer if it lost bytes since.
        (similar.get(range.clone()).unwrap_or_default(), scores.get(range).unwrap_or_default())
    }

    fn offsets(&self) -> &[u64] {
        bytemuck::cast_slice(self.file.section(OFFSETS_SECTION))
    }
}
