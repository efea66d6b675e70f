//! Finds the similar authors of the training parts and writes them down.

use std::io::Write;
use std::path::{Path, PathBuf};

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use serde::{Deserialize, Serialize};
use skimlog_formats::Id;
use skimlog_formats::columnar::ColumnarError;
use skimlog_formats::part::PartReader;
use skimlog_formats::record::Columns;

use skimlog_features::key::Key;
use skimlog_features::similar::{Follows, Found, SimilarError, SimilarWriter, SimilaritySearch, SimilaritySettings};
use skimlog_runtime::progress::{Progress, Unit};

/// Similar authors held between searching and writing, at most.
const SIMILAR_TOGETHER: usize = 1 << 22;
/// Authors searched together, at most.
const AUTHORS_TOGETHER: usize = 1 << 13;

/// What the stage found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SimilarSummary {
    /// Training records read.
    pub records: u64,
    /// Authors with a follower set.
    pub authors: u64,
    /// Different (author, reader) pairs.
    pub follows: u64,
    /// Authors that resemble another one.
    pub authors_with_similar: u64,
    /// Similar authors in all lists together.
    pub similar: u64,
}

/// Reads the training parts (`.skim`), finds the similar authors of every author with a follower set, and writes
/// `similar.skim` to `out`, which comes back at the end. Works on the threads of the current rayon pool; the result
/// depends on neither them nor `memory`.
///
/// `memory` is the bytes to stay within, about; sorted runs and the index go to nameless temporary files in `directory`
/// where they do not fit. 60 bytes an author, up to 12 bytes an author for every thread and 16 bytes a reader of two
/// authors or more are held in any case: they come out of `memory`, down to a quarter of it.
///
/// # Errors
/// [`SimilarError`] for a part that cannot be read, settings out of range, or a full disk.
pub fn similar<W: Write + Send>(
    parts: &[PathBuf],
    settings: SimilaritySettings,
    memory: usize,
    directory: &Path,
    out: W,
    progress: &dyn Progress,
) -> Result<(W, SimilarSummary), SimilarError> {
    settings.check()?;
    // All parts are looked at before any work, and mapped for a block at a time: what is mapped counts as memory.
    let mut blocks: Vec<(&Path, usize)> = Vec::new();
    let mut summary = SimilarSummary::default();
    for path in parts {
        let part = PartReader::open(path)?;
        summary.records += part.rows();
        blocks.extend((0..part.blocks()).map(|block| (path.as_path(), block)));
    }

    progress.begin("follower sets", Some(summary.records), Unit::Records);
    let mut follows = Follows::new(memory, directory);
    let read = |blocks: &[(&Path, usize)]| {
        let read = blocks.par_iter().map(|&(path, block)| {
            let part = PartReader::open(path)?;
            let follows = BlockFollows::read(&part, block)?;
            progress.advance(part.block_rows(block).count() as u64);
            Ok(follows)
        });
        Ok(read.collect::<Result<Vec<_>, ColumnarError>>()?)
    };
    let mut add =
        |blocks: Vec<BlockFollows>| blocks.iter().try_for_each(|block| follows.add(&block.authors, &block.readers));
    one_ahead(blocks.chunks(2 * rayon::current_num_threads()), read, &mut add)?;
    let sets = follows.finish()?;
    progress.end();

    let authors = sets.authors().len();
    summary.authors = authors as u64;
    summary.follows = (0..authors as u32).map(|author| u64::from(sets.size(author))).sum();
    progress.begin("similar authors", Some(summary.authors), Unit::Items);
    let search = SimilaritySearch::new(sets, settings, memory, directory)?;
    let mut writer = SimilarWriter::new(out)?;
    let together = (SIMILAR_TOGETHER / settings.top.max(1)).clamp(1, AUTHORS_TOGETHER);
    let ranges = (0..authors).step_by(together).map(|first| first as u32..authors.min(first + together) as u32);
    let mut write = |found: Found<'_>| {
        found.for_each(|author, list| {
            summary.authors_with_similar += u64::from(!list.is_empty());
            summary.similar += list.len() as u64;
            progress.advance(1);
            writer.push(author, list)
        })
    };
    one_ahead(ranges, |range| search.search(range), &mut write)?;
    let out = writer.finish()?;
    progress.end();
    Ok((out, summary))
}

/// Makes something of every item and hands it to `take`, in order, while the next is made, on the threads of the
/// current rayon pool.
fn one_ahead<I: Send, T: Send>(
    items: impl Iterator<Item = I>,
    make: impl Fn(I) -> Result<T, SimilarError> + Sync,
    take: &mut (impl FnMut(T) -> Result<(), SimilarError> + Send),
) -> Result<(), SimilarError> {
    let mut made = None;
    for item in items.map(Some).chain([None]) {
        let (next, taken) = rayon::join(|| item.map(&make).transpose(), || made.take().map_or(Ok(()), &mut *take));
        taken?;
        made = next?;
    }
    Ok(())
}

/// Who follows whom in the records of a block: those whose field 19 is true.
struct BlockFollows {
    /// All authors of the block.
    authors: Vec<Id>,
    /// Readers, each with the place of the author that it follows.
    readers: Vec<(u32, Key)>,
}

impl BlockFollows {
    fn read(part: &PartReader, block: usize) -> Result<Self, ColumnarError> {
        let (authors, readers) = (part.authors(block)?, part.readers(block)?);
        let follows = part.read(block, Columns::AUTHOR_FOLLOWS_READER)?.author_follows_reader;
        let mut keys = Vec::new();
        Key::of_all(&readers.ids, &mut keys);
        let pairs = authors.numbers.iter().zip(&readers.numbers).zip(&follows);
        let readers =
            pairs.filter(|&(_, &follows)| follows).map(|((&author, &reader), _)| (author, keys[reader as usize]));
        Ok(Self { authors: authors.ids, readers: readers.collect() })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use skimlog_features::similar::read_lists;
    use skimlog_formats::part::{PartWriter, encode};
    use skimlog_formats::record::{NO_REACTION, RecordBatch, TweetType, Users};
    use skimlog_formats::{Lists, PerReaction};
    use skimlog_runtime::progress::Silent;

    use super::*;

    /// A part of these (author, reader, follows) records, two blocks of it.
    fn write_part(path: &Path, records: &[(u8, u8, bool)]) {
        let mut writer = PartWriter::new(Vec::new(), true).unwrap();
        for records in records.chunks(records.len().div_ceil(2)) {
            let rows = records.len();
            let users = |ids: Vec<u8>| Users {
                id: ids.into_iter().map(|number| Id([number; 16])).collect(),
                followers: vec![0; rows],
                following: vec![0; rows],
                verified: vec![false; rows],
                created: vec![1; rows],
            };
            let batch = RecordBatch {
                rows,
                tokens: empty(rows),
                hashtags: empty(rows),
                tweet: vec![Id([9; 16]); rows],
                media: empty(rows),
                links: empty(rows),
                domains: empty(rows),
                tweet_type: vec![TweetType::TopLevel; rows],
                language: vec![Id([8; 16]); rows],
                tweet_time: vec![5; rows],
                author: users(records.iter().map(|record| record.0).collect()),
                reader: users(records.iter().map(|record| record.1).collect()),
                author_follows_reader: records.iter().map(|record| record.2).collect(),
                reactions: Some(PerReaction::from_fn(|_| vec![NO_REACTION; rows])),
            };
            writer.append(encode(&batch).unwrap()).unwrap();
        }
        fs::write(path, writer.finish().unwrap()).unwrap();
    }

    fn empty<T: Copy>(rows: usize) -> Lists<T> {
        (0..rows).map(|_| &[][..]).collect()
    }

    #[test]
    fn from_parts_to_a_file_the_same_on_any_number_of_threads() {
        let directory = tempfile::tempdir().unwrap();
        let parts = ["part-00000.skim", "part-00001.skim"].map(|name| directory.path().join(name));
        // Author 1 is followed by 1, 2 and 3; author 2 by 1, 2, 3 and 4; author 3 by 4; author 4 by nobody.
        write_part(&parts[0], &[(1, 1, true), (2, 1, true), (2, 2, true), (1, 2, true), (1, 2, true), (4, 1, false)]);
        write_part(&parts[1], &[(1, 3, true), (2, 3, true), (2, 4, true), (3, 4, true)]);
        let mut files = Vec::new();
        for threads in [1, 2] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let settings = SimilaritySettings { threshold: 0.25, top: 10 };
            let run = || similar(&parts, settings, 1 << 20, directory.path(), Vec::new(), &Silent).unwrap();
            let (file, summary) = pool.install(run);
            let expected = SimilarSummary { records: 10, authors: 3, follows: 8, authors_with_similar: 3, similar: 4 };
            assert_eq!(summary, expected);
            files.push(file);
        }
        assert_eq!(files[0], files[1]);
        let path = directory.path().join("similar.skim");
        fs::write(&path, &files[0]).unwrap();
        let mut lists = Vec::new();
        read_lists(&path, |author, similar, scores| {
            lists.push((author.0[0], similar.iter().map(|id| id.0[0]).collect::<Vec<_>>(), scores.to_vec()));
        })
        .unwrap();
        assert_eq!(lists, [(1, vec![2], vec![0.75]), (2, vec![1, 3], vec![0.75, 0.25]), (3, vec![2], vec![0.25])]);
    }
}
