//! Runs the stages of a configuration in its working directory, skipping what is up to date.

mod adoption;
mod conversion;
mod learning;
mod raw;
mod text;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use skimlog_features::counts::Table;
use skimlog_features::similar::{SimilarAuthors, SimilarError, SimilaritySettings};
use skimlog_formats::columnar::ColumnarError;
use skimlog_runtime::files::{AtomicFile, remove_if_there};
use skimlog_runtime::progress::Progress;
use skimlog_runtime::stream::RawPart;

use super::error::PipelineError;
use super::evaluate::PrecisionTable;
use super::features::{self, HoldOut};
use super::task::{Task, TaskReport};
use super::{Stage, similar};
use crate::config::Config;
use crate::workspace::{FileState, Fingerprint, Manifest, Workspace};

pub use conversion::convert_part;
pub(super) use learning::recipe;
pub(super) use raw::RawData;

/// A configuration at work in its working directory.
pub struct Pipeline<'a> {
    config: &'a Config,
    workspace: Workspace,
    manifest: Manifest,
    progress: &'a dyn Progress,
}

impl<'a> Pipeline<'a> {
    /// Opens the working directory and locks it.
    ///
    /// # Errors
    /// [`PipelineError::Workspace`] if it cannot be made or is in use.
    pub fn open(config: &'a Config, progress: &'a dyn Progress) -> Result<Self, PipelineError> {
        let workspace = Workspace::open(&config.working_dir)?;
        let manifest = Manifest::open(&workspace)?;
        Ok(Self { config, workspace, manifest, progress })
    }

    /// Where everything stands.
    pub fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// Measures the model on the hold-out records in every precision it has.
    ///
    /// # Errors
    /// [`PipelineError`]; what an earlier stage should have made and is not there is named with that stage.
    pub fn precisions(&self) -> Result<PrecisionTable, PipelineError> {
        let Self { config, workspace, manifest, progress } = self;
        Stages { config, workspace, finished: manifest.outputs(), progress: *progress }.precisions()
    }

    /// Runs one stage: what of it is out of date, or all of it with `force`. Each finished task is shown to `done`.
    ///
    /// # Errors
    /// [`PipelineError`]; what an earlier stage should have made and is not there is named with that stage.
    pub fn run(&mut self, stage: Stage, force: bool, done: &mut dyn FnMut(&TaskReport)) -> Result<(), PipelineError> {
        let Self { config, workspace, manifest, progress } = self;
        if stage == Stage::Finetune && force {
            remove_if_there(&workspace.distilbert())?;
        }
        let stages = Stages { config, workspace, finished: manifest.outputs(), progress: *progress };
        let tasks = match stage {
            Stage::Convert => return stages.convert(manifest, force, done),
            Stage::Similar => vec![stages.similar()?],
            Stage::Features => vec![stages.features()?],
            Stage::Finetune => vec![stages.finetune()?],
            Stage::Embed => vec![stages.embed()?],
            Stage::Sketch => vec![stages.sketch()?],
            Stage::Train => vec![stages.train()?],
            Stage::Evaluate => vec![stages.evaluate()?],
        };
        let outcome = tasks.into_iter().try_for_each(|task| task.run(manifest, force, done));
        // After an error, too: it may have been for want of space.
        let cleared = self.workspace.remove_scratch();
        outcome?;
        Ok(cleared?)
    }
}

/// What the stages are made of.
struct Stages<'s> {
    config: &'s Config,
    workspace: &'s Workspace,
    /// What finished tasks made.
    finished: BTreeMap<PathBuf, FileState>,
    progress: &'s dyn Progress,
}

impl<'s> Stages<'s> {
    /// The converted training parts, each of which must be there, and none of which may hold what another does.
    fn training_parts(&self) -> Result<Vec<PathBuf>, PipelineError> {
        let data = RawData::of(self.config)?;
        let parts = data.training.iter().map(|part| self.made(self.workspace.part(&part.name), Stage::Convert));
        let parts = parts.collect::<Result<_, _>>()?;
        data.expect_distinct_records(self.workspace)?;
        Ok(parts)
    }

    /// The converted validation part, which must be there if the configuration has one.
    fn validation_part(&self) -> Result<Option<PathBuf>, PipelineError> {
        let wanted = self.config.validation_part.as_ref();
        wanted.map(|_| self.made(self.workspace.validation_part(), Stage::Convert)).transpose()
    }

    /// The path of something an earlier stage made to its end.
    fn made(&self, path: PathBuf, stage: Stage) -> Result<PathBuf, PipelineError> {
        let whole = path.exists() && self.finished.contains_key(&path);
        if whole { Ok(path) } else { Err(PipelineError::Missing { path, stage }) }
    }

    /// A fingerprint with files of the working directory, by their names there.
    fn made_from<'p>(&self, paths: impl IntoIterator<Item = &'p PathBuf>) -> Result<Fingerprint, PipelineError> {
        paths.into_iter().try_fold(Fingerprint::new(), |fingerprint, path| {
            let name = path.strip_prefix(self.workspace.root()).unwrap_or(path);
            Ok(fingerprint.with_known_file(&name.display().to_string(), path, self.finished.get(path))?)
        })
    }

    fn threads(&self) -> NonZeroUsize {
        NonZeroUsize::new(self.config.threads()).unwrap_or(NonZeroUsize::MIN)
    }

    fn similar(self) -> Result<Task<'s>, PipelineError> {
        let parts = self.training_parts()?;
        let settings = SimilaritySettings {
            threshold: self.config.authors_similarity_threshold,
            top: self.config.authors_similarity_top_n,
        };
        let fingerprint = self
            .made_from(&parts)?
            .with("authors_similarity_threshold", settings.threshold)
            .with("authors_similarity_top_N", settings.top);
        let output = self.workspace.similar();
        let target = output.clone();
        let work = move || {
            let scratch = self.workspace.scratch("similar")?;
            let budget = self.config.memory_budget() as usize;
            let out = std::io::BufWriter::new(AtomicFile::create(&target)?);
            // On one of the threads that share the work, so that the others are woken beside it.
            let made = rayon::scope(|_| similar::similar(&parts, settings, budget, &scratch, out, self.progress));
            let (out, summary) = made.map_err(|error| match error {
                SimilarError::File(ColumnarError::Write(source)) => PipelineError::write(&target)(source),
                error => error.into(),
            })?;
            out.into_inner().map_err(|error| PipelineError::write(&target)(error.into_error()))?.commit()?;
            Ok(serde_json::to_value(summary)?)
        };
        Ok(Task { name: "similar".into(), fingerprint, outputs: vec![output], work: Box::new(work) })
    }

    fn features(self) -> Result<Task<'s>, PipelineError> {
        let Self { config, workspace, progress, .. } = self;
        let (training, validation) = (self.training_parts()?, self.validation_part()?);
        let similar = self.made(workspace.similar(), Stage::Similar)?;
        let hold_out = match &config.validation_split {
            Some(path) => HoldOut::File(path.clone()),
            None => HoldOut::Random { percentage: config.validation_percentage, seed: config.seed },
        };
        let chunks = u16::try_from(config.num_validation_chunks).unwrap_or(u16::MAX);
        let mut fingerprint =
            self.made_from(training.iter().chain(&validation).chain([&similar]))?.with("num_validation_chunks", chunks);
        fingerprint = match &hold_out {
            HoldOut::File(path) => fingerprint.with_file("validation_split", path)?,
            HoldOut::Random { percentage, seed } => {
                fingerprint.with("validation_percentage", percentage).with("seed", seed)
            }
        };
        let outputs = features::Outputs { features: workspace.features(), counts: workspace.counts() };
        let files = training.iter().chain(&validation).filter_map(|part| part.file_name());
        let features = files.map(|name| outputs.features.join(name));
        let totals = Table::ALL.map(|table| outputs.counts.join(format!("{}.skim", table.name())));
        let made = features.chain(totals).collect();
        let budget = config.memory_budget();
        let work = move || {
            let options = features::Options {
                memory_budget: budget,
                threads: config.threads(),
                scratch: workspace.scratch("features")?,
                hold_out,
                chunks,
            };
            let similar = SimilarAuthors::open(&similar)?;
            let inputs = features::Inputs { training: &training, validation: validation.as_deref(), similar: &similar };
            Ok(serde_json::to_value(features::build(&inputs, &options, &outputs, progress)?)?)
        };
        Ok(Task { name: "features".into(), fingerprint, outputs: made, work: Box::new(work) })
    }
}

/// The training parts of a configuration, raw, packed or converted.
///
/// # Errors
/// [`PipelineError::Stream`] if they cannot be read, there is none, or they cannot be told apart.
pub fn raw_parts(config: &Config) -> Result<Vec<RawPart>, PipelineError> {
    RawData::of(config).map(|data| data.training)
}
