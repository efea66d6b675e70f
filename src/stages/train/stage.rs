//! What the stage says of itself.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use skimlog_features::input::{InputBuilder, Layout as InputLayout};
use skimlog_features::similar::SimilarAuthors;
use skimlog_features::sketch::{CodesFileError, TokenCodes};
use skimlog_model::bundle::{self, BUNDLE_VERSION, BundleError, BundleWriter, TrainedOn};
use skimlog_model::bundle::{COUNTS_FOLDER, ONNX};
use skimlog_network::Shape;
use skimlog_runtime::files::write_file;
use skimlog_runtime::progress::Progress;

use super::error::TrainError;
use super::freeze::{FreezeError, freeze};
use super::options::{Checkpointing, Recipe, TrainOptions};
use super::origin::origin;
use super::pass::Trained;
use super::settings::{recipe, settings};
use super::summary::TrainSummary;
use super::training::{Start, train};
use super::warm_start::{LastModel, WarmStartError};
use crate::config::Config;
use crate::pipeline::evaluate::calibrate;
use crate::pipeline::examples::{Examples, ExamplesError, StoredExamples, StoredPart};
use crate::pipeline::onnx::save_onnx;
use crate::pipeline::{Context, PipelineError, Remark, Stage, StageError, Task, TaskReport, TaskRunner};
use crate::stages::convert::{mapping_files, training_parts, validation_part};
use crate::stages::features::{expect_totals, stored_part};
use crate::stages::similar::similar_authors;
use crate::stages::sketch::token_codes;
use crate::workspace::Layout;

/// The network → `model/`.
pub struct Train;

pub(super) const NAME: &str = "train";

impl StageError for ExamplesError {}
impl StageError for CodesFileError {}
impl StageError for TrainError {}
impl StageError for FreezeError {}
impl StageError for BundleError {}
impl StageError for WarmStartError {}

/// The manifest of the model, which must be there; the model is its folder.
///
/// # Errors
/// [`PipelineError::Missing`].
pub fn model_manifest(context: &Context<'_>) -> Result<PathBuf, PipelineError> {
    context.made(context.workspace.model().join(bundle::MANIFEST), NAME)
}

/// What a model's counts are made of.
pub(super) struct Inputs {
    pub(super) training: Vec<StoredPart>,
    pub(super) validation: Option<StoredPart>,
    pub(super) similar: PathBuf,
}

impl Inputs {
    pub(super) fn of(context: &Context<'_>) -> Result<Self, PipelineError> {
        let training = training_parts(context)?.into_iter().map(|part| stored_part(context, part));
        let training = training.collect::<Result<_, _>>()?;
        let validation = validation_part(context)?.map(|part| stored_part(context, part)).transpose()?;
        let inputs = Self { training, validation, similar: similar_authors(context)? };
        // Better to miss one now than after the training.
        expect_totals(context)?;
        Ok(inputs)
    }

    /// The records and their counts.
    fn files(&self) -> impl Iterator<Item = &PathBuf> {
        let parts = self.training.iter().chain(&self.validation);
        parts.flat_map(|stored| [&stored.part, &stored.features])
    }
}

impl Stage for Train {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        "Train the network and make the model folder (model/)"
    }

    fn check(&self, config: &Config) -> Result<(), PipelineError> {
        LastModel::find(&Layout::of(&config.working_dir).model(), config)?;
        Ok(())
    }

    fn caution(&self, config: &Config) -> Option<&'static str> {
        let missing = "validation_part is not set: the model is not fine-tuned, and there is nothing to evaluate it on";
        config.validation_part.is_none().then_some(missing)
    }

    fn makes(&self, layout: &Layout) -> Vec<PathBuf> {
        vec![layout.model(), layout.training_log()]
    }

    fn run(&self, context: &Context<'_>, tasks: &mut TaskRunner<'_>) -> Result<(), PipelineError> {
        let Context { config, workspace, .. } = *context;
        let (inputs, codes) = (Inputs::of(context)?, token_codes(context)?);
        let recipe = recipe(config);
        let anew = tasks.is_forced() || !config.train.warm_start;
        let mut fingerprint = context
            .made_from(inputs.files().chain(&codes))?
            .with("the model's layout", BUNDLE_VERSION)
            .with("train.hidden_size", config.train.hidden_size);
        for (key, value) in settings(&recipe) {
            fingerprint = fingerprint.with(key, value);
        }
        for (name, file) in mapping_files(config)? {
            fingerprint = fingerprint.with_file(name, &file)?;
        }
        // What it goes on from is no input: a second run would go on from what the first has made.
        if config.train.warm_start {
            fingerprint = fingerprint.with("train.warm_start", true);
        }
        let basis = fingerprint.clone();
        let work = move || {
            let last = if anew { None } else { LastModel::find(&workspace.model(), config)? };
            let basis = match &last {
                Some(last) => basis.with("the model that it goes on from", last.identity()),
                None => basis,
            };
            let checkpoint = Checkpointing {
                folder: workspace.checkpoint(),
                fingerprint: serde_json::to_string(&basis.identity())?,
                every: Duration::from_secs_f64(config.train.checkpoint_minutes * 60.0),
            };
            make_model(context, inputs, codes.as_deref(), last, recipe, checkpoint)
        };
        tasks.run(Task::new(NAME, fingerprint, self.makes(workspace), work))
    }

    fn remarks(&self, report: &TaskReport) -> Result<Vec<Remark>, PipelineError> {
        let TrainSummary { warm_start, days, .. } = report.read_summary()?;
        let Some(warm_start) = warm_start else { return Ok(Vec::new()) };
        Ok(warm_start.sentences(days.len()).into_iter().map(Remark::Note).collect())
    }
}

/// Trains, and makes the model folder.
fn make_model(
    context: &Context<'_>,
    inputs: Inputs,
    codes: Option<&Path>,
    last: Option<LastModel>,
    recipe: Recipe,
    checkpoint: Checkpointing,
) -> Result<TrainSummary, PipelineError> {
    let Context { config, workspace, progress, .. } = *context;
    let Inputs { training, validation, similar } = inputs;
    let examples = StoredExamples::open(training.clone(), validation)?;
    let examples = match &last {
        Some(last) => examples.with_languages(last.languages()),
        None => examples,
    };
    let codes = codes.map(TokenCodes::read).transpose()?;
    let shape_of = |codes: &TokenCodes| (codes.shape().depth(), codes.shape().width());
    let (sketch_depth, sketch_width) = codes.as_ref().map_or((0, 0), shape_of);
    let layout = InputLayout {
        sketch_depth,
        sketch_width,
        logarithms: recipe.logarithms,
        languages: examples.languages().len(),
    };
    let start = match &last {
        Some(last) => {
            last.expect_codes(codes.as_ref())?;
            let network = Box::new(last.network(examples.languages())?);
            Start::Trained { network, days: last.trained().days.len() }
        }
        None => Start::Anew(Shape { layout, hidden: config.train.hidden_size }),
    };
    let options = TrainOptions {
        recipe,
        memory_budget: config.memory_budget(),
        threads: config.threads(),
        scratch: workspace.scratch(NAME)?,
        checkpoint: Some(checkpoint),
    };
    let (Trained { network, mut summary, curve }, trained) =
        train_on_new_days(&examples, codes.as_ref(), last.as_ref(), start, &options, progress)?;
    summary.warm_start = last.as_ref().map(|last| last.summary(&examples));
    // Before the model: once that is there, its days are trained.
    if !summary.days.is_empty() || !workspace.training_log().exists() {
        write_file(&workspace.training_log(), |out| {
            curve.iter().try_for_each(|point| writeln!(out, "{}", serde_json::to_string(point)?))
        })?;
    }
    let bundle = BundleWriter::begin(workspace.model())?.with_origin(origin(config, &examples, &training, trained)?);
    let similar = SimilarAuthors::open(&similar)?;
    freeze(&workspace.counts(), &similar, &bundle.path(COUNTS_FOLDER)?, progress)?;
    let calibration = calibrate(&examples, &InputBuilder::new(codes.clone(), layout))?;
    save_onnx(&network, &bundle.path(ONNX)?)?;
    for (name, file) in mapping_files(config)? {
        bundle.copy(name, &file)?;
    }
    bundle.finish(&network, Some(&calibration), codes.as_ref(), examples.languages())?;
    workspace.remove_checkpoint()?;
    Ok(summary)
}

/// Trains on the days that the last model was not trained on, and gives what the network has learned from by now. With
/// fewer records than a batch normalisation needs, there is nothing to train, and the network stays as it is.
fn train_on_new_days(
    examples: &StoredExamples,
    codes: Option<&TokenCodes>,
    last: Option<&LastModel>,
    start: Start,
    options: &TrainOptions,
    progress: &dyn Progress,
) -> Result<(Trained, TrainedOn), TrainError> {
    let before = last.map(|last| last.trained().clone());
    let new = examples.clone().without_days(&last.map(|last| last.days_of(examples)).unwrap_or_default());
    let survey = new.survey();
    let records: u64 = survey.days.values().map(|tally| tally.records).sum();
    match (start, before) {
        (Start::Trained { network, .. }, Some(before)) if records < 2 => {
            Ok((Trained { network: *network, summary: TrainSummary::default(), curve: Vec::new() }, before))
        }
        (start, before) => {
            let warm_starts = before.as_ref().map_or(0, |before| before.warm_starts + 1);
            let mut days = before.map(|before| before.days).unwrap_or_default();
            days.extend(survey.days.iter().map(|(day, tally)| (day.to_string(), tally.records)));
            let finetune = if options.recipe.validation_epochs > 0 { survey.finetune } else { 0 };
            let trained = train(&new, codes.cloned(), start, options, progress)?;
            Ok((trained, TrainedOn { days, finetune, warm_starts }))
        }
    }
}
