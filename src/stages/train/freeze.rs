//! From the totals of the features stage and the similar authors to the frozen counts of a model.

use std::fs;
use std::path::Path;

use skimlog_features::counts::frozen::{FrozenCounts, FrozenError, FrozenSimilar, FrozenTableWriter};
use skimlog_features::counts::{ReactionCounts, Table};
use skimlog_features::key::Key;
use skimlog_features::similar::SimilarAuthors;
use skimlog_formats::Reaction;
use skimlog_formats::columnar::{ColumnarError, Reader};
use skimlog_runtime::progress::{Progress, Unit};
use thiserror::Error;

use crate::stages::features::TOTALS_KIND;
use crate::workspace::Layout;

/// Why counts could not be frozen.
#[derive(Debug, Error)]
pub enum FreezeError {
    /// A file of totals is missing or damaged.
    #[error(transparent)]
    Totals(#[from] ColumnarError),
    /// A frozen file could not be written.
    #[error(transparent)]
    Frozen(#[from] FrozenError),
    /// The directory for the frozen files could not be made.
    #[error("{}: {source}", .path.display())]
    Directory {
        /// The directory.
        path: std::path::PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

/// Writes the files that [`FrozenCounts::open`] maps into `model`, which is made where missing, from the tables that
/// the features stage left in `counts`. Holds a block of a table at a time. Returns the number of keys of all tables.
///
/// # Errors
/// [`FreezeError`].
pub fn freeze(
    counts: &Path,
    similar: &SimilarAuthors,
    model: &Path,
    progress: &dyn Progress,
) -> Result<u64, FreezeError> {
    fs::create_dir_all(model).map_err(|source| FreezeError::Directory { path: model.to_owned(), source })?;
    let tables = Table::ALL.map(|table| (table, Reader::open(Layout::totals_in(counts, &table.name()))));
    let mut rows = 0;
    progress.begin("frozen counts", None, Unit::Records);
    for (table, totals) in tables {
        rows += freeze_table(table, &totals?, model, progress)?;
    }
    FrozenSimilar::write(&FrozenCounts::similar_file(model), similar)?;
    progress.end();
    Ok(rows)
}

fn freeze_table(table: Table, totals: &Reader, model: &Path, progress: &dyn Progress) -> Result<u64, FreezeError> {
    let path = FrozenCounts::table_file(model, table);
    let mut writer = FrozenTableWriter::create(&path, totals.rows(), table.has_unreacted())?;
    read_totals(totals, table, |key, counts| Ok(writer.push(key, counts)?))?;
    progress.advance(totals.rows());
    Ok(writer.finish()?)
}

/// Calls `each` with every key of a table of totals, as the features stage writes them, ascending, and its counts.
/// Holds a block.
///
/// # Errors
/// [`FreezeError::Totals`] for a file of another kind or a damaged one, and what `each` returns.
pub fn read_totals(
    totals: &Reader,
    table: Table,
    mut each: impl FnMut(Key, &ReactionCounts) -> Result<(), FreezeError>,
) -> Result<(), FreezeError> {
    totals.expect_kind(TOTALS_KIND)?;
    let key = totals.field("key")?;
    for block in 0..totals.blocks() {
        let keys: Vec<u64> = totals.flat(block, key)?;
        let mut rows = vec![ReactionCounts::default(); keys.len()];
        for reaction in Reaction::ALL {
            let counts: Vec<u32> = totals.flat(block, totals.field(reaction.name())?)?;
            rows.iter_mut().zip(counts).for_each(|(row, count)| row.reactions[reaction] = count);
        }
        if table.has_unreacted() {
            let counts: Vec<u32> = totals.flat(block, totals.field("none")?)?;
            rows.iter_mut().zip(counts).for_each(|(row, count)| row.unreacted = count);
        }
        keys.iter().zip(&rows).try_for_each(|(&key, counts)| each(Key(key), counts))?;
    }
    Ok(())
}
