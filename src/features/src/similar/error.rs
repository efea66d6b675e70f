use std::io;
use std::path::PathBuf;

use skimlog_formats::columnar::ColumnarError;
use skimlog_formats::mapped::Lost;
use thiserror::Error;

/// Why author similarity could not be computed or read.
#[derive(Debug, Error)]
pub enum SimilarError {
    /// The threshold is not in (0, 1].
    #[error("authors_similarity_threshold is {0}: give a number greater than 0 and at most 1")]
    Threshold(f64),
    /// More authors or readers than 32 bits number.
    #[error("more than {} {what} in the follower sets: too many for one run", u32::MAX)]
    TooMany {
        /// What there are too many of.
        what: &'static str,
    },
    /// A temporary file could not be written or read.
    #[error("temporary file in {directory}: {source}; is there enough free space?")]
    Spill {
        /// The directory of the temporary file.
        directory: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A temporary file could not be read back.
    #[error(transparent)]
    Lost(#[from] Lost),
    /// A `.skim` file could not be written or read.
    #[error(transparent)]
    File(#[from] ColumnarError),
    /// Lists of similar authors and of their scores that differ in length.
    #[error("{}: the block of author {first_author} (counted from 0) has lists of authors and of scores that differ in \
             length: compute the similar authors again", .path.display())]
    Lengths {
        /// The file.
        path: PathBuf,
        /// First author of the block.
        first_author: u64,
    },
}
