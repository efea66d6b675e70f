//! Logs of one's own become parts.

use std::io::{self, BufReader, BufWriter};
use std::iter;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use skimlog_formats::columnar::EncodedBlock;
use skimlog_formats::part::{PartEncoder, PartWriter};
use skimlog_formats::record::{FieldCount, RecordBatch};
use skimlog_import::ids::{IdDictionaryBuilder, dictionary_path};
use skimlog_import::importer::Importer;
use skimlog_import::log::{LogError, LogFormat};
use skimlog_runtime::files::AtomicFile;
use skimlog_runtime::progress::Progress;
use skimlog_runtime::semaphore::Permit;
use skimlog_runtime::shuffle::{Pool, Scratch};

use super::error::ConvertError;
use super::logs::{Dictionary, Logs, OpenedLog};
use super::options::Quarantine;
use super::parts::{ConvertSummary, Format, convert};
use super::skim::{PartFile, SkimFiles};
use super::source::PartInput;
use crate::pipeline::PipelineError;

/// Where a log is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogSource {
    /// In a file.
    File(PathBuf),
    /// In what comes through standard input.
    Stdin,
}

/// How logs become a part, or two.
pub struct ImportOptions {
    /// The mapping.
    pub importer: Importer,
    /// The logs, in their order.
    pub logs: Vec<LogSource>,
    /// Their format; `None`: the one that a log's name or its first bytes say.
    pub format: Option<LogFormat>,
    /// Worker threads.
    pub threads: NonZeroUsize,
    /// Bytes that the ids' dictionary may take in memory before it goes to disk.
    pub memory: u64,
    /// Where rows go that are no records; `None`: the first one is the end.
    pub quarantine: Option<Quarantine>,
    /// The part to write, or two of them.
    pub output: ImportOutput,
}

/// What logs become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportOutput {
    /// One part.
    Part(PathBuf),
    /// A training part of the records before a time, in unix seconds, and a validation part of the others. A record's
    /// time is that of its latest reaction, else of its post, as for the days of training.
    Split {
        /// The time.
        at: i64,
        /// The training part.
        training: PathBuf,
        /// The validation part.
        validation: PathBuf,
    },
}

/// What an import came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportSummary {
    /// What was read.
    #[serde(flatten)]
    pub read: ConvertSummary,
    /// The parts that were written, with their records.
    pub parts: Vec<(PathBuf, u64)>,
}

impl LogSource {
    /// Opens the log.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn open(
        &self,
        importer: &Importer,
        format: Option<LogFormat>,
        permit: Option<Permit>,
    ) -> Result<OpenedLog, LogError> {
        match self {
            Self::File(path) => open_log(path, importer, format, permit),
            Self::Stdin => {
                let name = Path::new("standard input");
                let (blocks, shape) = importer.open_reader(name, BufReader::new(io::stdin()), format)?;
                Ok((name.to_owned(), blocks.format(), blocks, shape))
            }
        }
    }
}

/// Opens a log in a file.
///
/// # Errors
/// [`LogError`].
pub(super) fn open_log(
    path: &Path,
    importer: &Importer,
    format: Option<LogFormat>,
    permit: Option<Permit>,
) -> Result<OpenedLog, LogError> {
    let (blocks, shape) = importer.open(path, format, permit)?;
    Ok((path.to_owned(), blocks.format(), blocks, shape))
}

/// Imports logs, and keeps a dictionary of their ids beside each part if the mapping says so. Equal logs give equal
/// files, whatever the number of threads and the memory.
///
/// # Errors
/// [`PipelineError`]; nothing stands under the final names then.
pub fn import_logs(options: &ImportOptions, progress: &dyn Progress) -> Result<ImportSummary, PipelineError> {
    let ImportOptions { importer, logs, format, threads, memory, output, .. } = options;
    let (ImportOutput::Part(first) | ImportOutput::Split { training: first, .. }) = output;
    let spill = Spill::beside(first, *memory)?;
    let dictionary = importer.mapping().keep_ids.then(|| spill.dictionary("ids", *threads, dictionary_path(first)));
    let opened = logs.iter().map(|log| log.open(importer, *format, None));
    let logs = Logs {
        importer: importer.clone(),
        opened: Box::new(opened),
        quarantine: options.quarantine.clone(),
        dictionary,
    };
    let parts = iter::once(Ok(PartInput::Logs(logs)));
    let mut made = None;
    match output {
        ImportOutput::Part(path) => {
            let finished = |output: PartFile, summary: ConvertSummary| {
                output.finish()?.commit()?;
                made = Some(ImportSummary { read: summary, parts: vec![(path.clone(), summary.records)] });
                Ok::<_, PipelineError>(())
            };
            convert(parts, *threads, &SkimFiles { targets: std::slice::from_ref(path) }, finished, progress)?;
        }
        ImportOutput::Split { at, training, validation } => {
            let files = SplitFiles { at: *at, targets: [training, validation] };
            let finished = |output: SplitPart, summary: ConvertSummary| {
                let parts = output.finish(files.targets).inspect_err(|_| {
                    let _ = std::fs::remove_file(dictionary_path(training));
                })?;
                if summary.ids.is_some() {
                    copy(&dictionary_path(training), &dictionary_path(validation))?;
                }
                made = Some(ImportSummary { read: summary, parts });
                Ok::<_, PipelineError>(())
            };
            convert(parts, *threads, &files, finished, progress)?;
        }
    }
    Ok(made.expect("a conversion without an error finishes its part"))
}

/// Memory, and room on disk, for dictionaries of ids.
pub(super) struct Spill {
    pool: Pool,
    scratch: Scratch,
}

impl Spill {
    /// Room in a folder beside a file that is to be written.
    fn beside(file: &Path, memory: u64) -> Result<Self, PipelineError> {
        let mut name = file.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.spill", std::process::id()));
        // Beside a device or a pipe nothing is written.
        let folder = match file.metadata() {
            Ok(metadata) if !metadata.is_file() => std::env::temp_dir(),
            _ => file.parent().map(Path::to_owned).unwrap_or_default(),
        };
        Self::within(folder.join(name), memory)
    }

    /// Room in a folder of its own, which is made.
    pub(super) fn within(folder: PathBuf, memory: u64) -> Result<Self, PipelineError> {
        let scratch = Scratch::prepare(folder).map_err(ConvertError::from)?;
        Ok(Self { pool: Pool::new(memory), scratch })
    }

    /// A dictionary that becomes the file at `path`. `name` differs between dictionaries.
    pub(super) fn dictionary(&self, name: &str, threads: NonZeroUsize, path: PathBuf) -> Dictionary<'_> {
        Dictionary { builder: IdDictionaryBuilder::new(name, threads, &self.pool, &self.scratch), path }
    }
}

fn copy(from: &Path, to: &Path) -> Result<(), PipelineError> {
    let mut source = std::fs::File::open(from).map_err(PipelineError::write(to))?;
    let mut file = AtomicFile::create(to)?;
    io::copy(&mut source, &mut file).map_err(PipelineError::write(to))?;
    Ok(file.commit()?)
}

/// Two parts, by time.
struct SplitFiles<'o> {
    at: i64,
    targets: [&'o Path; 2],
}

/// Two parts under way, each begun with its first record.
struct SplitPart {
    fields: FieldCount,
    parts: [Option<(PartWriter<BufWriter<AtomicFile>>, u64)>; 2],
}

impl Format for SplitFiles<'_> {
    type Output = SplitPart;
    type Encoder = PartEncoder;
    type Columns = [Option<(EncodedBlock, u64)>; 2];
    type Error = PipelineError;

    fn open(&self, _: usize, fields: FieldCount) -> Result<SplitPart, PipelineError> {
        Ok(SplitPart { fields, parts: [None, None] })
    }

    fn encode(&self, encoder: &mut PartEncoder, records: &RecordBatch) -> Result<Self::Columns, PipelineError> {
        let (before, after): (Vec<_>, Vec<_>) = (0..records.rows).partition(|&row| records.event_time(row) < self.at);
        let mut encoded = [None, None];
        for (rows, encoded) in [before, after].into_iter().zip(&mut encoded) {
            if !rows.is_empty() {
                *encoded = Some((encoder.encode(&records.select(&rows))?, rows.len() as u64));
            }
        }
        Ok(encoded)
    }

    fn append(&self, output: &mut SplitPart, columns: Self::Columns) -> Result<(), PipelineError> {
        for ((part, target), encoded) in output.parts.iter_mut().zip(self.targets).zip(columns) {
            let Some((block, rows)) = encoded else { continue };
            let (writer, count) = match part {
                Some(part) => part,
                none => {
                    let file = BufWriter::new(AtomicFile::create(target)?);
                    let writer = PartWriter::new(file, output.fields.has_reactions());
                    none.insert((writer.map_err(|error| super::skim::write_error(target, error))?, 0))
                }
            };
            writer.append(block).map_err(|error| super::skim::write_error(target, error))?;
            *count += rows;
        }
        Ok(())
    }

    fn without_final_newline(&self, _: &mut SplitPart) {}
}

impl SplitPart {
    /// Completes both files.
    fn finish(self, targets: [&Path; 2]) -> Result<Vec<(PathBuf, u64)>, PipelineError> {
        let mut made = Vec::new();
        let sides = ["before the split time", "from the split time on"];
        if let Some(side) = self.parts.iter().position(Option::is_none) {
            return Err(ConvertError::OneSided { side: sides[side] }.into());
        }
        for ((writer, rows), target) in self.parts.into_iter().flatten().zip(targets) {
            let file = writer.finish().map_err(|error| super::skim::write_error(target, error))?;
            let file = file.into_inner().map_err(|error| PipelineError::write(target)(error.into_error()))?;
            file.commit()?;
            made.push((target.to_owned(), rows));
        }
        Ok(made)
    }
}
