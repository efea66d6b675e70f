//! The `.skim` files that raw parts become.

use std::io::BufWriter;
use std::iter;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use skimlog_formats::columnar::{ColumnarError, EncodedBlock};
use skimlog_formats::part::{PartEncoder, PartWriter};
use skimlog_formats::record::{FieldCount, RecordBatch};
use skimlog_runtime::files::AtomicFile;
use skimlog_runtime::progress::Progress;
use skimlog_runtime::stream::LineBlocks;

use super::options::ConvertOptions;
use super::parts::{ConvertSummary, Format, convert};
use super::source::PartInput;
use crate::pipeline::PipelineError;

/// Converts a raw part into the `.skim` file at `target`, on so many threads.
///
/// # Errors
/// [`PipelineError`]; nothing stands under the final name then.
pub fn convert_part(
    blocks: LineBlocks,
    options: ConvertOptions,
    threads: NonZeroUsize,
    target: &Path,
    progress: &dyn Progress,
) -> Result<ConvertSummary, PipelineError> {
    let mut made = None;
    let finished = |output: PartFile, summary| {
        made = Some(summary);
        output.finish()?.commit().map_err(PipelineError::from)
    };
    let files = SkimFiles { targets: &[target.to_owned()] };
    convert(iter::once(Ok(PartInput::Raw(blocks, options))), threads, &files, finished, progress)?;
    Ok(made.expect("a conversion without an error finishes its part"))
}

/// The files that parts become.
pub(super) struct SkimFiles<'t> {
    pub(super) targets: &'t [PathBuf],
}

/// A `.skim` file under way.
pub(super) struct PartFile {
    writer: PartWriter<BufWriter<AtomicFile>>,
    target: PathBuf,
}

impl Format for SkimFiles<'_> {
    type Output = PartFile;
    type Encoder = PartEncoder;
    type Columns = EncodedBlock;
    type Error = PipelineError;

    fn open(&self, part: usize, fields: FieldCount) -> Result<PartFile, PipelineError> {
        let target = &self.targets[part];
        let file = BufWriter::new(AtomicFile::create(target)?);
        let writer = PartWriter::new(file, fields.has_reactions()).map_err(|error| write_error(target, error))?;
        Ok(PartFile { writer, target: target.clone() })
    }

    fn encode(&self, encoder: &mut PartEncoder, records: &RecordBatch) -> Result<EncodedBlock, PipelineError> {
        Ok(encoder.encode(records)?)
    }

    fn append(&self, file: &mut PartFile, block: EncodedBlock) -> Result<(), PipelineError> {
        file.writer.append(block).map_err(|error| write_error(&file.target, error))
    }

    fn without_final_newline(&self, file: &mut PartFile) {
        file.writer.mark_missing_final_newline();
    }
}

impl PartFile {
    /// Completes the file, but for its sync and its name.
    pub(super) fn finish(self) -> Result<AtomicFile, PipelineError> {
        let file = self.writer.finish().map_err(|error| write_error(&self.target, error))?;
        file.into_inner().map_err(|error| PipelineError::write(&self.target)(error.into_error()))
    }
}

/// What is wrong with a file, by its name.
pub(super) fn write_error(target: &Path, error: ColumnarError) -> PipelineError {
    match error {
        ColumnarError::Write(source) => PipelineError::write(target)(source),
        error => error.into(),
    }
}
