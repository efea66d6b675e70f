//! The first stage: raw parts into `.skim` files.

use std::io::BufWriter;
use std::iter;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use skimlog_formats::columnar::{ColumnarError, EncodedBlock};
use skimlog_formats::part::{PartEncoder, PartWriter};
use skimlog_formats::record::{FieldCount, RecordBatch};
use skimlog_runtime::files::{AtomicFile, InputFiles};
use skimlog_runtime::progress::Progress;
use skimlog_runtime::semaphore::Semaphore;
use skimlog_runtime::stream::{BlockSize, Content, LineBlocks, RawPart, content_of};

use super::{RawData, Stages};
use crate::config::BadRecords;
use crate::pipeline::convert::{self, ConvertOptions, ConvertSummary, Format, convert};
use crate::pipeline::error::PipelineError;
use crate::pipeline::task::{Goal, TaskReport, Unsettled, run_together};
use crate::workspace::{Fingerprint, Manifest};

/// A raw part and what is to become of it.
struct Conversion {
    raw: PathBuf,
    options: ConvertOptions,
    target: PathBuf,
}

impl Stages<'_> {
    pub(super) fn convert(
        self,
        manifest: &mut Manifest,
        force: bool,
        done: &mut dyn FnMut(&TaskReport),
    ) -> Result<(), PipelineError> {
        let data = RawData::of(self.config)?;
        if !data.passed_over.is_empty() {
            self.progress.warn(&data.passed_over.to_string());
        }
        let (mut raw, mut converted) = (Vec::new(), Vec::new());
        for part in data.parts().cloned() {
            match content_of(&part.path)? {
                Content::Skim => converted.push(self.adoption(part)?),
                _ => {
                    InputFiles::of([part.path.as_path()]).ensure_none_is(&self.workspace.part(&part.name))?;
                    raw.push(self.conversion(part)?);
                }
            }
        }
        converted.into_iter().try_for_each(|part| part.run(manifest, force, done))?;
        self.convert_raw(raw, manifest, force, done)?;
        data.expect_distinct_records(self.workspace)
    }

    fn convert_raw(
        &self,
        goals: Vec<Goal<Conversion>>,
        manifest: &mut Manifest,
        force: bool,
        done: &mut dyn FnMut(&TaskReport),
    ) -> Result<(), PipelineError> {
        let parts_at_once = Semaphore::new(self.config.max_n_parts_in_memory as u64);
        run_together(goals, manifest, force, done, |conversions: Vec<Conversion>, made| {
            let (targets, raw): (Vec<_>, Vec<_>) =
                conversions.into_iter().map(|Conversion { raw, options, target }| (target, (raw, options))).unzip();
            let parts = raw.into_iter().map(|(raw, options)| {
                Ok((LineBlocks::open(&raw, BlockSize::default(), Some(parts_at_once.acquire()))?, options))
            });
            let finished = |output: PartFile, summary| {
                made(Unsettled { file: output.finish()?, summary: serde_json::to_value(summary)? })
            };
            convert(parts, self.threads(), &SkimFiles { targets: &targets }, finished, self.progress)
        })
    }

    fn conversion(&self, part: RawPart) -> Result<Goal<Conversion>, PipelineError> {
        let Self { config, workspace, .. } = self;
        let target = workspace.part(&part.name);
        let fingerprint = Fingerprint::new()
            .with_file("the raw part", &part.path)?
            .with("vocabulary_size", config.vocabulary_size)
            .with("bad_records", format!("{:?}", config.bad_records));
        let name = format!("convert {}", part.name);
        let bad_records = match config.bad_records {
            BadRecords::Stop => convert::BadRecords::Stop,
            BadRecords::Quarantine => convert::BadRecords::Quarantine {
                directory: workspace.rejected(),
                name: part.name,
                most: config.max_bad_records,
            },
        };
        let options =
            ConvertOptions { vocabulary: config.vocabulary_size, fields: Some(FieldCount::Labelled), bad_records };
        let outputs = vec![target.clone()];
        Ok(Goal { name, fingerprint, outputs, work: Conversion { raw: part.path, options, target } })
    }
}

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
    convert(iter::once(Ok((blocks, options))), threads, &files, finished, progress)?;
    Ok(made.expect("a conversion without an error finishes its part"))
}

/// The files that parts become.
struct SkimFiles<'t> {
    targets: &'t [PathBuf],
}

/// A `.skim` file under way.
struct PartFile {
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
        file.writer.without_final_newline();
    }
}

impl PartFile {
    /// Completes the file, but for its sync and its name.
    fn finish(self) -> Result<AtomicFile, PipelineError> {
        let file = self.writer.finish().map_err(|error| write_error(&self.target, error))?;
        file.into_inner().map_err(|error| PipelineError::write(&self.target)(error.into_error()))
    }
}

/// What is wrong with a file, by its name.
fn write_error(target: &Path, error: ColumnarError) -> PipelineError {
    match error {
        ColumnarError::Write(source) => PipelineError::write(target)(source),
        error => error.into(),
    }
}
