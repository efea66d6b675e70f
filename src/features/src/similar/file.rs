//! `similar.skim`: for each author with a follower set, ascending by id, its similar authors and their similarities.
//!
//! A `.skim` file of kind `similar` with the columns `author` (id), `similar` (list of ids, best first) and `score`
//! (list of f64, the Jaccard similarity of each). An author that resembles nobody has empty lists.

use std::io::Write;
use std::path::Path;

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use skimlog_formats::columnar::{ColumnRef, Field, Reader, Schema, ValueType, Writer, encode_block};
use skimlog_formats::{Id, Lists};

use super::SimilarError;

/// The kind of file.
pub const KIND: &str = "similar";
/// Authors in a block, at most.
const BLOCK_AUTHORS: usize = 1 << 14;
/// Similar authors after which a block ends.
const BLOCK_SIMILAR: usize = 1 << 20;

fn schema() -> Schema {
    let fields = [
        Field::flat("author", ValueType::Id),
        Field::list("similar", ValueType::Id),
        Field::list("score", ValueType::F64),
    ];
    Schema::new(KIND, fields.into())
}

/// Writes a file of similar authors. Holds a block of at most 16,384 authors.
pub struct SimilarWriter<W: Write> {
    file: Writer<W>,
    schema: Schema,
    authors: Vec<Id>,
    similar: Lists<Id>,
    scores: Lists<f64>,
}

impl<W: Write> SimilarWriter<W> {
    /// Starts a file.
    ///
    /// # Errors
    /// [`SimilarError::File`] where it cannot be written.
    pub fn new(out: W) -> Result<Self, SimilarError> {
        let schema = schema();
        let file = Writer::new(out, &schema)?;
        Ok(Self { file, schema, authors: Vec::new(), similar: Lists::default(), scores: Lists::default() })
    }

    /// Adds the next author, which must have a higher id than the one before, and its list, best first.
    ///
    /// # Errors
    /// [`SimilarError::File`] where the file cannot be written.
    pub fn push(&mut self, author: Id, list: &[(Id, f64)]) -> Result<(), SimilarError> {
        self.authors.push(author);
        for &(similar, score) in list {
            self.similar.push_value(similar);
            self.scores.push_value(score);
        }
        self.similar.close();
        self.scores.close();
        if self.authors.len() == BLOCK_AUTHORS || self.similar.values().len() >= BLOCK_SIMILAR {
            self.end_block()?;
        }
        Ok(())
    }

    fn end_block(&mut self) -> Result<(), SimilarError> {
        let columns = [ColumnRef::flat(&self.authors), ColumnRef::lists(&self.similar), ColumnRef::lists(&self.scores)];
        self.file.append(encode_block(&self.schema, &columns)?)?;
        self.authors.clear();
        self.similar.clear();
        self.scores.clear();
        Ok(())
    }

    /// Completes the file and gives the output back.
    ///
    /// # Errors
    /// [`SimilarError::File`] where the file cannot be written.
    pub fn finish(mut self) -> Result<W, SimilarError> {
        self.end_block()?;
        Ok(self.file.finish()?)
    }
}

/// Calls `each` with every author of a file, ascending by id, its similar authors and their similarities, best first.
///
/// # Errors
/// [`SimilarError::File`] where the file cannot be read, is of another kind, or is damaged.
pub fn read_lists(path: &Path, mut each: impl FnMut(Id, &[Id], &[f64])) -> Result<(), SimilarError> {
    let each_of = |block: ListBlock| {
        for ((author, similar), scores) in block.authors.into_iter().zip(block.similar.iter()).zip(block.scores.iter())
        {
            each(author, similar, scores);
        }
    };
    read_blocks(path, |block| block, each_of)
}

/// Authors that stand together in a file, with their lists.
pub(super) struct ListBlock {
    pub(super) authors: Vec<Id>,
    pub(super) similar: Lists<Id>,
    /// As long as the lists in `similar`.
    pub(super) scores: Lists<f64>,
}

/// Makes something of every block of a file on the threads of the current rayon pool, two blocks a thread at a time,
/// and hands it to `take`, in order.
pub(super) fn read_blocks<T: Send>(
    path: &Path,
    make: impl Fn(ListBlock) -> T + Sync,
    mut take: impl FnMut(T),
) -> Result<(), SimilarError> {
    let file = Reader::open(path)?;
    file.expect_kind(KIND)?;
    let [author, similar, score] = ["author", "similar", "score"].map(|name| file.field(name));
    let (author, similar, score) = (author?, similar?, score?);
    let read = |block| {
        let (similar, scores) = (file.lists(block, similar)?, file.lists(block, score)?);
        if similar.offsets() != scores.offsets() {
            let first = file.block_rows(block).start;
            return Err(SimilarError::Lengths { path: path.to_owned(), first_author: first });
        }
        Ok(make(ListBlock { authors: file.flat(block, author)?, similar, scores }))
    };
    let blocks: Vec<usize> = (0..file.blocks()).collect();
    for together in blocks.chunks(2 * rayon::current_num_threads()) {
        together.par_iter().map(|&block| read(block)).collect::<Result<Vec<T>, _>>()?.into_iter().for_each(&mut take);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::key::Key;
    use crate::similar::SimilarAuthors;

    #[test]
    fn what_is_written_is_looked_up() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("similar.skim");
        let id = |number: u32| Id(u128::from(number).to_be_bytes());
        // Enough for several blocks, of both kinds of end.
        let list = |author: u32| -> Vec<(Id, f64)> {
            let length = if author < 200 { 9_000 } else { author % 3 };
            (0..length).map(|place| (id(author ^ place), 1.0 / f64::from(place + 1))).collect()
        };
        let mut writer = SimilarWriter::new(Vec::new()).unwrap();
        (0..40_000).for_each(|author| writer.push(id(author), &list(author)).unwrap());
        fs::write(&path, writer.finish().unwrap()).unwrap();
        let similar = SimilarAuthors::open(&path).unwrap();
        assert!(similar == SimilarAuthors::from_lists((0..40_000).map(|author| (id(author), list(author)))));
        for author in (0..41_000).step_by(61) {
            let (keys, scores) = similar.get(Key::of(id(author)));
            let expected = if author < 40_000 { list(author) } else { Vec::new() };
            assert!(
                expected
                    .iter()
                    .map(|&(id, score)| (Key::of(id), score))
                    .eq(keys.iter().copied().zip(scores.iter().copied()))
            );
        }
        assert!(similar.iter().is_sorted_by_key(|(author, _)| author));
    }

    #[test]
    fn a_damaged_file_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("similar.skim");
        let mut writer = SimilarWriter::new(Vec::new()).unwrap();
        writer.push(Id([1; 16]), &[(Id([2; 16]), 0.5)]).unwrap();
        let bytes = writer.finish().unwrap();
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            fs::write(&path, damaged).unwrap();
            let message = SimilarAuthors::open(&path).unwrap_err().to_string();
            assert!(message.contains("similar.skim"), "byte {at}: {message}");
        }
    }
}
