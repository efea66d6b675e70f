//! Runs the stages of a configuration in its working directory, skipping what is up to date.

use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use serde_json::{Value, json};
use skimmer_formats::columnar::ColumnarError;
use skimmer_formats::part::{self, PartWriter};
use skimmer_formats::record::{FieldCount, RecordBatch};

use super::bundle::{Bundle, BundleWriter, Verify};
use super::convert::{self, ConvertOptions};
use super::embed::EmbedOptions;
use super::error::PipelineError;
use super::evaluate::evaluate;
use super::examples::{Portion, StoredExamples, StoredPart};
use super::features::{self, HoldOut};
use super::finetune::FinetuneOptions;
use super::sketch::SketchOptions;
use super::task::{Task, TaskReport};
use super::{Stage, embed, freeze, similar, sketch, train};
use crate::config::{self, BadRecords, BiasInit, Config, Engine};
use crate::counts::Table;
use crate::features::{InputBuilder, Layout};
use crate::net::Shape;
use crate::progress::Progress;
use crate::similar::{SimilarAuthors, SimilarError, SimilaritySettings};
use crate::sketch::{SketchShape, TokenCodes};
use crate::stream::{BlockSize, LineBlocks, Permits, RawPart, list_parts};
use crate::text::finetune::{MODEL_FILE, finetune, newest_checkpoint};
use crate::text::{EngineChoice, MeanOptions, Model, ModelOptions, Snapshots, VectorPaths};
use crate::workspace::{AtomicFile, Fingerprint, Manifest, Workspace, remove_if_there, write_file};

/// Name of the folder with the frozen counts in a model bundle.
pub const BUNDLE_COUNTS: &str = "counts";

/// Nobody sets it.
static NEVER: AtomicBool = AtomicBool::new(false);

/// A configuration at work in its working directory.
pub struct Pipeline<'a> {
    config: &'a Config,
    workspace: Workspace,
    manifest: Manifest,
    progress: &'a dyn Progress,
    stop: &'a AtomicBool,
}

impl<'a> Pipeline<'a> {
    /// Opens the working directory and locks it.
    ///
    /// # Errors
    /// [`PipelineError::Workspace`] if it cannot be made or is in use.
    pub fn open(config: &'a Config, progress: &'a dyn Progress) -> Result<Self, PipelineError> {
        let workspace = Workspace::open(&config.working_dir)?;
        let manifest = Manifest::open(&workspace)?;
        Ok(Self { config, workspace, manifest, progress, stop: &NEVER })
    }

    /// Has the finetune stage end, with a checkpoint and [`FinetuneError::Interrupted`](crate::text::finetune::FinetuneError::Interrupted),
    /// as soon as `stop` is set.
    pub fn stop_when(mut self, stop: &'a AtomicBool) -> Self {
        self.stop = stop;
        self
    }

    /// Where everything stands.
    pub fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// Runs one stage: what of it is out of date, or all of it with `force`. Each finished task is shown to `done`.
    ///
    /// # Errors
    /// [`PipelineError`]; what an earlier stage should have made and is not there is named with that stage.
    pub fn run(&mut self, stage: Stage, force: bool, done: &mut dyn FnMut(&TaskReport)) -> Result<(), PipelineError> {
        let Self { config, workspace, manifest, progress, stop } = self;
        if stage == Stage::Finetune && force {
            remove_if_there(&workspace.distilbert())?;
        }
        let stages = Stages { config, workspace, finished: manifest.outputs(), progress: *progress, stop };
        let tasks = match stage {
            Stage::Convert => stages.convert()?,
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
    finished: Vec<PathBuf>,
    progress: &'s dyn Progress,
    stop: &'s AtomicBool,
}

impl<'s> Stages<'s> {
    /// The raw training parts of the configuration.
    fn raw_parts(&self) -> Result<Vec<RawPart>, PipelineError> {
        let validation = self.config.validation_part.as_ref().and_then(|path| path.canonicalize().ok());
        let parts = list_parts(&self.config.recsys_data)?.into_iter();
        let training = parts.filter(|part| validation.is_none() || part.path.canonicalize().ok() != validation);
        Ok(training.take(self.config.max_n_parts.unwrap_or(usize::MAX)).collect())
    }

    /// The converted training parts, each of which must be there.
    fn training_parts(&self) -> Result<Vec<PathBuf>, PipelineError> {
        let parts = self.raw_parts()?.into_iter().map(|part| self.workspace.part(&part.name));
        parts.map(|path| self.made(path, Stage::Convert)).collect()
    }

    /// The converted validation part, which must be there if the configuration has one.
    fn validation_part(&self) -> Result<Option<PathBuf>, PipelineError> {
        let wanted = self.config.validation_part.as_ref();
        wanted.map(|_| self.made(self.workspace.validation_part(), Stage::Convert)).transpose()
    }

    /// The path of something an earlier stage made to its end.
    fn made(&self, path: PathBuf, stage: Stage) -> Result<PathBuf, PipelineError> {
        let whole = path.exists() && self.finished.iter().any(|output| path.starts_with(output));
        if whole { Ok(path) } else { Err(PipelineError::Missing { path, stage }) }
    }

    /// A fingerprint with files of the working directory, by their names there.
    fn made_from<'p>(&self, paths: impl IntoIterator<Item = &'p PathBuf>) -> Result<Fingerprint, PipelineError> {
        paths.into_iter().try_fold(Fingerprint::new(), |fingerprint, path| {
            let name = path.strip_prefix(self.workspace.root()).unwrap_or(path);
            Ok(fingerprint.with_file(&name.display().to_string(), path)?)
        })
    }

    fn threads(&self) -> NonZeroUsize {
        NonZeroUsize::new(self.config.threads()).unwrap_or(NonZeroUsize::MIN)
    }

    fn convert(self) -> Result<Vec<Task<'s>>, PipelineError> {
        let parts_at_once = NonZeroUsize::new(self.config.max_n_parts_in_memory).unwrap_or(NonZeroUsize::MIN);
        let permits = Permits::new(parts_at_once);
        let mut parts = self.raw_parts()?;
        if let Some(path) = &self.config.validation_part {
            parts.push(RawPart { name: "validation".into(), path: path.clone() });
        }
        let Self { config, workspace, progress, .. } = self;
        let threads = self.threads();
        let tasks = parts.into_iter().map(|part| {
            let output = workspace.part(&part.name);
            let fingerprint = Fingerprint::new()
                .with_file("the raw part", &part.path)?
                .with("vocabulary_size", config.vocabulary_size)
                .with("bad_records", format!("{:?}", config.bad_records));
            let options = ConvertOptions {
                threads,
                vocabulary: config.vocabulary_size,
                fields: Some(FieldCount::Labelled),
                bad_records: match config.bad_records {
                    BadRecords::Stop => convert::BadRecords::Stop,
                    BadRecords::Quarantine => convert::BadRecords::Quarantine {
                        directory: workspace.rejected(),
                        name: part.name.clone(),
                        most: config.max_bad_records,
                    },
                },
            };
            let permits = permits.clone();
            let target = output.clone();
            let work = move || {
                let blocks = LineBlocks::open(&part.path, BlockSize::default(), Some(permits.acquire()))?;
                Ok(serde_json::to_value(convert_part(blocks, &options, &target, progress)?)?)
            };
            Ok(Task {
                name: format!("convert {}", part.name),
                fingerprint,
                outputs: vec![output],
                work: Box::new(work),
            })
        });
        tasks.collect()
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
            let (out, summary) = similar::similar(&parts, settings, budget, &scratch, out, self.progress).map_err(
                |error| match error {
                    SimilarError::File(ColumnarError::Write(source)) => PipelineError::write(&target)(source),
                    error => error.into(),
                },
            )?;
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

    fn finetune(self) -> Result<Task<'s>, PipelineError> {
        let what = FinetuneOptions::new(self.config, self.training_parts()?)?;
        let mut fingerprint = self.made_from(&what.parts)?.with("start", format!("{:?}", what.start));
        if let Value::Object(settings) = serde_json::to_value(&what.options)? {
            for (key, value) in settings {
                fingerprint = fingerprint.with(&format!("distilbert.finetune.{key}"), value);
            }
        }
        let output = self.workspace.distilbert();
        let target = output.clone();
        let work = move || {
            let FinetuneOptions { parts, start, options } = &what;
            Ok(serde_json::to_value(finetune(parts, start, options, &target, self.stop, self.progress)?)?)
        };
        Ok(Task { name: "finetune".into(), fingerprint, outputs: vec![output], work: Box::new(work) })
    }

    /// The model that token vectors come from.
    fn text_model(&self) -> Result<PathBuf, PipelineError> {
        let distilbert = &self.config.distilbert;
        match (&distilbert.onnx, &distilbert.model) {
            (Some(model), _) => Ok(model.clone()),
            (None, _) if distilbert.is_finetuned() => {
                let folder = self.workspace.distilbert();
                self.made(newest_checkpoint(&folder).unwrap_or(folder).join(MODEL_FILE), Stage::Finetune)
            }
            (None, Some(model)) => Ok(model.clone()),
            (None, None) => Err(PipelineError::NoTextModel),
        }
    }

    fn embed(self) -> Result<Task<'s>, PipelineError> {
        let distilbert = &self.config.distilbert;
        let model = self.text_model()?;
        let mut parts = self.training_parts()?;
        parts.truncate(distilbert.max_n_parts);
        let file = Model::file(&model)?;
        let mut fingerprint = self
            .made_from(&parts)?
            .with_file("distilbert.model", &file)?
            .with("distilbert.engine", format!("{:?}", distilbert.engine))
            .with(
                "distilbert.batch_tokens",
                distilbert.batch_tokens.map_or("null".into(), |tokens| tokens.to_string()),
            );
        for beside in ["model.onnx.data", "config.json"] {
            let path = file.with_file_name(beside);
            if path.exists() {
                fingerprint = fingerprint.with_file(beside, &path)?;
            }
        }
        let output = VectorPaths::in_directory(self.workspace.root());
        let outputs = vec![output.vectors.clone(), output.tokens.clone(), output.counts.clone()];
        let options = EmbedOptions {
            parts,
            model,
            open: ModelOptions {
                engine: engine_choice(distilbert.engine),
                library: distilbert.onnxruntime.clone(),
                max_length: None,
            },
            mean: MeanOptions {
                threads: self.config.threads(),
                batch_tokens: distilbert.batch_tokens,
                ..MeanOptions::default()
            },
            snapshots: Some(Snapshots {
                path: self.workspace.embed_snapshot(),
                fingerprint: fingerprint.clone(),
                every: Duration::from_secs(distilbert.snapshot_seconds),
            }),
            output,
        };
        let work = move || Ok(serde_json::to_value(embed::embed(&options, self.progress)?)?);
        Ok(Task { name: "embed".into(), fingerprint, outputs, work: Box::new(work) })
    }

    fn sketch(self) -> Result<Task<'s>, PipelineError> {
        let vectors = VectorPaths::in_directory(self.workspace.root());
        let (embeddings, ids) = (vectors.vectors.clone(), vectors.tokens.clone());
        let inputs = [self.made(embeddings, Stage::Embed)?, self.made(ids, Stage::Embed)?];
        let Config { sketch_depth: depth, sketch_width: width, seed, .. } = *self.config;
        let fingerprint =
            self.made_from(&inputs)?.with("sketch_depth", depth).with("sketch_width", width).with("seed", seed);
        let output = self.workspace.codes();
        let options = SketchOptions {
            vectors,
            output: output.clone(),
            shape: SketchShape::new(depth as usize, width as usize)?,
            seed,
            threads: self.config.threads(),
        };
        let work = move || Ok(serde_json::to_value(sketch::sketch(&options, self.progress)?)?);
        Ok(Task { name: "sketch".into(), fingerprint, outputs: vec![output], work: Box::new(work) })
    }

    fn stored(&self, part: PathBuf) -> Result<StoredPart, PipelineError> {
        let features = self.workspace.features().join(part.file_name().unwrap_or_default());
        Ok(StoredPart { features: self.made(features, Stage::Features)?, part })
    }

    fn train(self) -> Result<Task<'s>, PipelineError> {
        let training =
            self.training_parts()?.into_iter().map(|part| self.stored(part)).collect::<Result<Vec<_>, _>>()?;
        let validation = self.validation_part()?.map(|part| self.stored(part)).transpose()?;
        let codes = self.made(self.workspace.codes(), Stage::Sketch)?;
        let similar = self.made(self.workspace.similar(), Stage::Similar)?;
        for table in Table::ALL {
            // Better to miss one now than after the training.
            self.made(self.workspace.counts().join(format!("{}.skim", table.name())), Stage::Features)?;
        }
        let files = training.iter().chain(&validation).flat_map(|stored| [&stored.part, &stored.features]);
        let mut fingerprint = self.made_from(files.chain([&codes]))?.with("seed", self.config.seed);
        let Self { config, workspace, progress, .. } = self;
        if let Value::Object(settings) = serde_json::to_value(&config.train)? {
            for (key, value) in settings {
                fingerprint = fingerprint.with(&format!("train.{key}"), value);
            }
        }
        let output = workspace.model();
        let target = output.clone();
        let work = move || {
            let examples = StoredExamples::open(training, validation)?;
            let codes = TokenCodes::read(&codes)?;
            let layout = Layout {
                sketch_depth: codes.shape().depth(),
                sketch_width: codes.shape().width(),
                languages: examples.languages().len(),
            };
            let shape = Shape { layout, hidden: config.train.hidden_size };
            let options = train_options(config, workspace.scratch("train")?);
            let (network, summary) = train::train(&examples, codes.clone(), shape, &options, progress)?;
            let bundle = BundleWriter::begin(&target)?;
            let similar = SimilarAuthors::open(&similar)?;
            freeze::freeze(&workspace.counts(), &similar, &bundle.path(BUNDLE_COUNTS)?, progress)?;
            bundle.finish(&network, &codes, examples.languages())?;
            Ok(serde_json::to_value(summary)?)
        };
        Ok(Task { name: "train".into(), fingerprint, outputs: vec![output], work: Box::new(work) })
    }

    fn evaluate(self) -> Result<Task<'s>, PipelineError> {
        let Some(validation) = self.validation_part()? else { return Err(PipelineError::NoValidationPart) };
        let validation = self.stored(validation)?;
        let model = self.workspace.model();
        let manifest = self.made(model.join(super::bundle::MANIFEST), Stage::Train)?;
        let fingerprint = self.made_from([&validation.part, &validation.features, &manifest])?;
        let output = self.workspace.evaluation();
        let target = output.clone();
        let work = move || {
            let bundle = Bundle::open(&model, Verify::Sizes)?;
            let examples = StoredExamples::validation(validation, bundle.languages().clone())?;
            let builder = InputBuilder::new(bundle.codes()?);
            let network = bundle.network()?;
            let report = evaluate(&network, &examples, Portion::HoldOut, &builder, self.progress, |_, _| {})?;
            let report = json!({ "hold_out": report });
            let text = serde_json::to_vec_pretty(&report)?;
            write_file(&target, |out| out.write_all(&text))?;
            Ok(report)
        };
        Ok(Task { name: "evaluate".into(), fingerprint, outputs: vec![output], work: Box::new(work) })
    }
}

/// Converts a raw part into the `.skim` file at `target`.
///
/// # Errors
/// [`PipelineError`]; nothing stands under the final name then.
pub fn convert_part(
    blocks: LineBlocks,
    options: &ConvertOptions,
    target: &Path,
    progress: &dyn Progress,
) -> Result<convert::ConvertSummary, PipelineError> {
    let file = std::io::BufWriter::new(AtomicFile::create(target)?);
    let named = |error: ColumnarError| match error {
        ColumnarError::Write(source) => PipelineError::write(target)(source),
        error => error.into(),
    };
    let open = |fields: FieldCount| PartWriter::new(file, fields.has_reactions()).map_err(named);
    let encode = |records: &RecordBatch| part::encode(records).map_err(named);
    let append = |writer: &mut PartWriter<_>, block| writer.append(block).map_err(named);
    let (writer, summary) = convert::convert(blocks, options, open, encode, append, progress)?;
    let file = writer.finish().map_err(named)?;
    file.into_inner().map_err(|error| PipelineError::write(target)(error.into_error()))?.commit()?;
    Ok(summary)
}

fn train_options(config: &Config, scratch: PathBuf) -> train::Options {
    let config::Train {
        hidden_size: _,
        batch_size,
        learning_rate,
        day_decay,
        weight_decay,
        num_validation_epochs,
        validation_decay,
        reset_optimizer_each_day,
        settle_batches,
        bias_init,
    } = config.train;
    train::Options {
        batch: batch_size,
        learning_rate,
        day_decay,
        validation_epochs: u32::try_from(num_validation_epochs).unwrap_or(u32::MAX),
        validation_decay,
        weight_decay,
        reset_optimizer_each_day,
        settle_batches,
        bias_init: match bias_init {
            BiasInit::BaseRate => train::BiasInit::BaseRate,
            BiasInit::Zero => train::BiasInit::Zero,
        },
        seed: config.seed,
        memory_budget: config.memory_budget(),
        threads: config.threads(),
        scratch,
    }
}

fn engine_choice(engine: Engine) -> EngineChoice {
    match engine {
        Engine::Auto => EngineChoice::Auto,
        Engine::Onnxruntime => EngineChoice::OnnxRuntime,
        Engine::Tract => EngineChoice::Tract,
    }
}
