//! The records to count, part by part.

use super::block::CountedBlock;
use super::error::{BoxError, CountsError};
use super::similar::SimilarLookup;
use super::split::Split;
use super::visit::MOST_BLOCKS;

/// A part's records, readable by block from any thread.
pub trait RecordSource: Sync {
    /// The part's name, for messages.
    fn name(&self) -> &str;
    /// Number of records.
    fn rows(&self) -> u64;
    /// Number of blocks.
    fn blocks(&self) -> usize;
    /// Number of records of a block; all blocks' together are [`RecordSource::rows`].
    fn block_rows(&self, block: usize) -> usize;
    /// Reads a block.
    ///
    /// # Errors
    /// Whatever prevents it; the message should say where in the part.
    fn read(&self, block: usize) -> Result<CountedBlock, BoxError>;
}

/// The records to count.
#[derive(Clone, Copy)]
pub struct CountInputs<'a> {
    /// Training parts.
    pub training: &'a [&'a dyn RecordSource],
    /// The validation part and its split, if there is one.
    pub validation: Option<(&'a dyn RecordSource, &'a Split)>,
    /// Parts that are only answered: they get the totals.
    pub test: &'a [&'a dyn RecordSource],
    /// Similar authors.
    pub similar: &'a dyn SimilarLookup,
}

/// How the records of a part stand to the counters.
#[derive(Clone, Copy)]
pub(super) enum Role<'a> {
    Training,
    Validation(&'a Split),
    Test,
}

/// A part and where its rows go.
#[derive(Clone, Copy)]
pub(super) struct Part<'a> {
    pub(super) records: &'a dyn RecordSource,
    pub(super) role: Role<'a>,
    /// First of the part's output blocks.
    pub(super) first_block: usize,
}

/// All parts in order, each with its first output block, and the number of blocks.
pub(super) fn lay_out<'a>(inputs: &CountInputs<'a>, block_rows: usize) -> Result<(Vec<Part<'a>>, usize), CountsError> {
    let training = inputs.training.iter().map(|&records| (records, Role::Training));
    let validation = inputs.validation.iter().map(|&(records, split)| (records, Role::Validation(split)));
    let test = inputs.test.iter().map(|&records| (records, Role::Test));
    let (mut parts, mut blocks) = (Vec::new(), 0);
    for (records, role) in training.chain(validation).chain(test) {
        if let Role::Validation(split) = role
            && split.rows() != records.rows()
        {
            let part = records.name().to_owned();
            return Err(CountsError::SplitLength { part, rows: records.rows(), split: split.rows() });
        }
        parts.push(Part { records, role, first_block: blocks });
        blocks += records.rows().div_ceil(block_rows as u64) as usize;
    }
    match blocks <= MOST_BLOCKS {
        true => Ok((parts, blocks)),
        false => Err(CountsError::TooMany { blocks, most: MOST_BLOCKS }),
    }
}
