//! From parts and similar authors to counts and totals.
//!
//! A part `NAME.skim` gets `features/NAME.skim`, rows in the part's order, columns named by
//! [`skimlog_features::counts::column_names`]: counts (u32), the five similarity numbers (f64), and for the
//! validation part `split` (u8; 0 finetune, 1 hold-out) and `chunk` (u16; 0 for a hold-out record). Every [`Table`]
//! gets `counts/TABLE.skim`: `key` (u64, ascending), the four reactions and, where it has them, `none` (u32).

use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::{fmt, mem};

use skimlog_features::counts::{
    self, BoxError, COUNTS, CountBlock, CountColumn, CountInputs, CountOptions, CountSink, CountSummary, CountedBlock,
    CountsError, REAL_COLUMNS, RecordSource, Side, SimilarLookup, Split, SplitError, Table, TotalsBlock,
};
use skimlog_formats::Reaction;
use skimlog_formats::columnar::{
    BlockEncoder, ColumnRef, ColumnarError, EncodedBlock, Field, Schema, ValueType, Writer,
};
use skimlog_formats::part::PartReader;
use skimlog_runtime::files::AtomicFile;
use skimlog_runtime::files::FileError;
use skimlog_runtime::machine::{self, Running};
use skimlog_runtime::progress::Progress;
use thiserror::Error;

use crate::pipeline::examples::FEATURES_KIND;
use crate::workspace::Layout;

/// Kind of the `.skim` files with a counter's totals.
pub const TOTALS_KIND: &str = "totals";

/// What to count.
#[derive(Clone, Copy)]
pub struct FeatureInputs<'a> {
    /// Training parts, `.skim`.
    pub training: &'a [PathBuf],
    /// The validation part, `.skim`, if there is one.
    pub validation: Option<&'a Path>,
    /// Similar authors.
    pub similar: &'a dyn SimilarLookup,
}

/// How to count.
#[derive(Clone, Debug)]
pub struct FeatureOptions {
    /// Bytes to stay within, about (see [`CountOptions::memory_budget`]).
    pub memory_budget: u64,
    /// Number of threads.
    pub threads: usize,
    /// Directory for spill files.
    pub scratch: PathBuf,
    /// Which validation records are held out.
    pub hold_out: HoldOut,
    /// Number of chunks of the finetune records, at least 1.
    pub chunks: u16,
}

/// Which validation records are held out.
#[derive(Clone, Debug, PartialEq)]
pub enum HoldOut {
    /// Each with this probability (0 to 1), decided by a hash of the seed and the record's number.
    Random {
        /// The probability.
        percentage: f64,
        /// The seed.
        seed: u64,
    },
    /// As a file says: a line a record, `1` for hold-out, `0` for finetune.
    File(PathBuf),
}

/// Where the results go; both directories are made where missing.
#[derive(Clone, Debug)]
pub struct FeatureOutputs {
    /// Directory of the parts' counts.
    pub features: PathBuf,
    /// Directory of the totals.
    pub counts: PathBuf,
}

/// Why the stage stopped. Nothing stands under a final name then.
#[derive(Debug, Error)]
pub enum FeaturesError {
    /// A part is missing, damaged, or no part.
    #[error(transparent)]
    Part(#[from] ColumnarError),
    /// Two parts would have the same file of counts.
    #[error("two parts are named {name}: their counts would stand in one file; rename one of them")]
    SameName {
        /// The file name.
        name: String,
    },
    /// The split file is unusable.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// An output file could not be written.
    #[error("cannot write the counts: {0}")]
    Write(#[source] BoxError),
    /// An output file could not be put in its place.
    #[error(transparent)]
    Workspace(#[from] FileError),
    /// Counting failed.
    #[error(transparent)]
    Counts(#[from] CountsError),
}

/// Runs the stage. The files appear under their final names only when all of them are complete.
///
/// # Errors
/// [`FeaturesError`].
///
/// # Panics
/// If `options.chunks` is 0.
pub fn build(
    inputs: &FeatureInputs<'_>,
    options: &FeatureOptions,
    outputs: &FeatureOutputs,
    progress: &dyn Progress,
) -> Result<CountSummary, FeaturesError> {
    let training = inputs.training.iter().map(Part::open).collect::<Result<Vec<_>, _>>()?;
    let validation = inputs.validation.map(Part::open).transpose()?;
    let split = match (&validation, &options.hold_out) {
        (None, _) => Split::from_bits([], options.chunks),
        (Some(part), HoldOut::Random { percentage, seed }) => {
            Split::seeded(part.rows(), *percentage, *seed, options.chunks)
        }
        (Some(part), HoldOut::File(path)) => Split::from_file(path, part.rows(), options.chunks)?,
    };
    let parts: Vec<&Part> = training.iter().chain(&validation).collect();
    let sink = Sink::create(&parts, validation.as_ref().map(|_| &split), outputs)?;
    let training: Vec<&dyn RecordSource> = training.iter().map(|part| part as &dyn RecordSource).collect();
    let summary = counts::count(
        &CountInputs {
            training: &training,
            validation: validation.as_ref().map(|part| (part as &dyn RecordSource, &split)),
            test: &[],
            similar: inputs.similar,
        },
        &CountOptions {
            memory_budget: options.memory_budget,
            threads: options.threads,
            scratch: options.scratch.clone(),
            block_rows: skimlog_formats::part::BLOCK_ROWS,
        },
        &sink,
        progress,
    )?;
    sink.finish()?;
    Ok(summary)
}

/// A part that is mapped only while a block is read, so that no more than the blocks being read are resident.
struct Part {
    path: PathBuf,
    name: String,
    /// Records of each block.
    blocks: Vec<usize>,
}

impl Part {
    fn open(path: impl AsRef<Path>) -> Result<Self, ColumnarError> {
        let path = path.as_ref().to_owned();
        let reader = PartReader::open(&path)?;
        let rows = |block| reader.block_rows(block).count();
        Ok(Self { name: path.display().to_string(), blocks: (0..reader.blocks()).map(rows).collect(), path })
    }

    /// Name of the part's own file and of that of its counts.
    fn file_name(&self) -> &Path {
        self.path.file_name().map_or(&self.path, Path::new)
    }
}

impl RecordSource for Part {
    fn name(&self) -> &str {
        &self.name
    }

    fn rows(&self) -> u64 {
        self.blocks.iter().map(|&rows| rows as u64).sum()
    }

    fn blocks(&self) -> usize {
        self.blocks.len()
    }

    fn block_rows(&self, block: usize) -> usize {
        self.blocks[block]
    }

    fn read(&self, block: usize) -> Result<CountedBlock, BoxError> {
        let part = PartReader::open(&self.path)?;
        let (authors, readers, languages) = (part.authors(block)?, part.readers(block)?, part.languages(block)?);
        Ok(CountedBlock::new(part.read(block, CountedBlock::COLUMNS)?, authors, readers, languages))
    }
}

/// A file that gets its final name at the very end, together with the others.
struct Draft {
    path: PathBuf,
    state: Mutex<DraftState>,
}

enum DraftState {
    Planned,
    Started(Box<Writer<BufWriter<AtomicFile>>>),
    /// Complete and being synced and closed, which others need not wait for.
    Closing(Running<'static, Result<AtomicFile, FileError>>),
}

impl Draft {
    fn new(path: PathBuf) -> Self {
        Self { path, state: Mutex::new(DraftState::Planned) }
    }

    fn state(&self) -> MutexGuard<'_, DraftState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start(&self, schema: &Schema) -> Result<(), BoxError> {
        let file = BufWriter::new(AtomicFile::create(&self.path)?);
        *self.state() = DraftState::Started(Box::new(Writer::new(file, schema).map_err(|error| self.named(error))?));
        Ok(())
    }

    fn append(&self, block: EncodedBlock) -> Result<(), BoxError> {
        match &mut *self.state() {
            DraftState::Started(writer) => writer.append(block).map_err(|error| self.named(error)),
            DraftState::Planned | DraftState::Closing(_) => Ok(()),
        }
    }

    /// Completes the file, which has no final name yet, and has it closed.
    fn complete(&self) -> Result<(), BoxError> {
        let mut state = self.state();
        match mem::replace(&mut *state, DraftState::Planned) {
            DraftState::Started(writer) => {
                let file = writer.finish().map_err(|error| self.named(error))?.into_inner();
                let mut file = file.map_err(|error| self.named(error.into_error()))?;
                *state = DraftState::Closing(machine::run_beside(move || file.close().map(|()| file)));
            }
            other => *state = other,
        }
        Ok(())
    }

    /// The file, when it is closed.
    fn closed(&self) -> Result<Option<AtomicFile>, FileError> {
        match mem::replace(&mut *self.state(), DraftState::Planned) {
            DraftState::Closing(closing) => closing.join().map(Some),
            DraftState::Planned | DraftState::Started(_) => Ok(None),
        }
    }

    fn named(&self, error: impl fmt::Display) -> BoxError {
        format!("{}: {error}", self.path.display()).into()
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // A file that is not wanted is gone only when it was closed.
        let _ = self.closed();
    }
}

/// Writes the counts of one part after the other, and meanwhile the totals of all tables.
struct Sink<'a> {
    features: Vec<Draft>,
    feature_schemas: Vec<Schema>,
    /// The split of the last part, if that is a validation part.
    split: Option<&'a Split>,
    /// Number of parts whose file was started.
    started: Mutex<usize>,
    totals: Vec<Draft>,
    total_schemas: Vec<Schema>,
    /// Encoders of threads that are not encoding at the moment.
    encoders: Mutex<Vec<BlockEncoder>>,
}

impl<'a> Sink<'a> {
    fn create(parts: &[&Part], split: Option<&'a Split>, outputs: &FeatureOutputs) -> Result<Self, FeaturesError> {
        let mut names: Vec<&Path> = parts.iter().map(|part| part.file_name()).collect();
        names.sort_unstable();
        if let Some(same) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(FeaturesError::SameName { name: same[0].display().to_string() });
        }
        let is_validation = |part: usize| split.is_some() && part + 1 == parts.len();
        let sink = Self {
            features: parts.iter().map(|part| Draft::new(outputs.features.join(part.file_name()))).collect(),
            feature_schemas: (0..parts.len()).map(|part| feature_schema(is_validation(part))).collect(),
            split,
            started: Mutex::new(0),
            totals: Table::ALL.map(|table| Draft::new(Layout::totals_in(&outputs.counts, &table.name()))).into(),
            total_schemas: Table::ALL.map(total_schema).into(),
            encoders: Mutex::default(),
        };
        for (draft, schema) in sink.totals.iter().zip(&sink.total_schemas) {
            draft.start(schema).map_err(FeaturesError::Write)?;
        }
        Ok(sink)
    }

    /// Completes the files of all parts before `part` and starts its own: parts without records too have a file.
    fn reach(&self, part: usize) -> Result<(), BoxError> {
        let mut started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        while *started <= part {
            if let Some(before) = started.checked_sub(1) {
                self.features[before].complete()?;
            }
            if let Some(draft) = self.features.get(*started) {
                draft.start(&self.feature_schemas[*started])?;
            }
            *started += 1;
        }
        Ok(())
    }

    fn encode_block(&self, schema: &Schema, columns: &[ColumnRef<'_>]) -> Result<EncodedBlock, ColumnarError> {
        let idle = || self.encoders.lock().unwrap_or_else(PoisonError::into_inner);
        let mut encoder = idle().pop().unwrap_or_default();
        let encoded = encoder.encode(schema, columns, &[]);
        idle().push(encoder);
        encoded
    }

    fn finish(self) -> Result<(), FeaturesError> {
        self.reach(self.features.len()).map_err(FeaturesError::Write)?;
        let drafts = self.features.iter().chain(&self.totals);
        let closed = drafts.filter_map(|draft| draft.closed().transpose()).collect::<Result<_, _>>()?;
        Ok(AtomicFile::commit_all(closed)?)
    }
}

fn feature_schema(is_validation: bool) -> Schema {
    let types = REAL_COLUMNS.map(|is_real| if is_real { ValueType::F64 } else { ValueType::U32 });
    let mut fields: Vec<Field> =
        counts::column_names().zip(types).map(|(name, value)| Field::flat(name, value)).collect();
    if is_validation {
        fields.extend([Field::flat("split", ValueType::U8), Field::flat("chunk", ValueType::U16)]);
    }
    Schema::new(FEATURES_KIND, fields)
}

fn total_schema(table: Table) -> Schema {
    let mut fields = vec![Field::flat("key", ValueType::U64)];
    fields.extend(Reaction::ALL.map(|reaction| Field::flat(reaction.name(), ValueType::U32)));
    if table.has_unreacted() {
        fields.push(Field::flat("none", ValueType::U32));
    }
    let mut schema = Schema::new(TOTALS_KIND, fields);
    schema.metadata.insert("table".to_owned(), table.name());
    schema
}

impl CountSink for Sink<'_> {
    type Encoded = EncodedBlock;

    fn encode(&self, part: usize, first_row: u64, block: &CountBlock) -> Result<EncodedBlock, BoxError> {
        let mut columns: Vec<ColumnRef<'_>> = (0..COUNTS)
            .map(|column| match block.column(column) {
                CountColumn::Counts(counts) => ColumnRef::flat(counts),
                CountColumn::Reals(reals) => ColumnRef::flat(reals),
            })
            .collect();
        let (mut sides, mut chunks): (Vec<u8>, Vec<u16>) = (Vec::new(), Vec::new());
        if let (Some(split), true) = (self.split, part + 1 == self.features.len()) {
            for row in first_row..first_row + block.rows() as u64 {
                let (side, chunk) = match split.side(row) {
                    Side::Finetune { chunk } => (0, chunk),
                    Side::HoldOut => (1, 0),
                };
                sides.push(side);
                chunks.push(chunk);
            }
            columns.extend([ColumnRef::flat(&sides), ColumnRef::flat(&chunks)]);
        }
        self.encode_block(&self.feature_schemas[part], &columns).map_err(|error| self.features[part].named(error))
    }

    fn append(&self, part: usize, block: EncodedBlock) -> Result<(), BoxError> {
        self.reach(part)?;
        self.features[part].append(block)
    }

    fn totals(&self, table: Table, block: &TotalsBlock) -> Result<(), BoxError> {
        let draft = &self.totals[table.index()];
        if !block.keys.is_empty() {
            let mut columns = vec![ColumnRef::flat(&block.keys)];
            columns.extend(block.reactions.iter().map(|(_, counts)| ColumnRef::flat(counts.as_slice())));
            if table.has_unreacted() {
                columns.push(ColumnRef::flat(&block.unreacted));
            }
            let encoded = self.encode_block(&self.total_schemas[table.index()], &columns);
            draft.append(encoded.map_err(|error| draft.named(error))?)?;
        }
        // Only a table's last block is less than full.
        if block.keys.len() < TotalsBlock::ROWS { draft.complete() } else { Ok(()) }
    }
}
