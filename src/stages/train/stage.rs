//! What the stage says of itself.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use skimlog_features::input::{InputBuilder, Layout as InputLayout};
use skimlog_features::similar::SimilarAuthors;
use skimlog_features::sketch::{CodesFileError, TokenCodes};
use skimlog_model::bundle::{self, BUNDLE_VERSION, BundleError, BundleWriter};
use skimlog_model::bundle::{COUNTS_FOLDER, ONNX};
use skimlog_network::Shape;
use skimlog_runtime::files::write_file;

use super::error::TrainError;
use super::freeze::{FreezeError, freeze};
use super::options::{Checkpointing, Recipe, TrainOptions};
use super::pass::Trained;
use super::settings::{recipe, settings};
use super::summary::TrainSummary;
use super::training::train;
use crate::config::Config;
use crate::pipeline::evaluate::calibrate;
use crate::pipeline::examples::{ExamplesError, StoredExamples, StoredPart};
use crate::pipeline::onnx::save_onnx;
use crate::pipeline::{Context, PipelineError, Stage, StageError, Task, TaskRunner};
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

/// The manifest of the model, which must be there; the model is its folder.
///
/// # Errors
/// [`PipelineError::Missing`].
pub fn model_manifest(context: &Context<'_>) -> Result<PathBuf, PipelineError> {
    context.made(context.workspace.model().join(bundle::MANIFEST), NAME)
}

/// What a training is made of.
struct Inputs {
    training: Vec<StoredPart>,
    validation: Option<StoredPart>,
    /// `None` where the network sees nothing of a tweet's text.
    codes: Option<PathBuf>,
    similar: PathBuf,
}

impl Inputs {
    fn of(context: &Context<'_>) -> Result<Self, PipelineError> {
        let training = training_parts(context)?.into_iter().map(|part| stored_part(context, part));
        let training = training.collect::<Result<_, _>>()?;
        let validation = validation_part(context)?.map(|part| stored_part(context, part)).transpose()?;
        let inputs = Self { training, validation, codes: token_codes(context)?, similar: similar_authors(context)? };
        // Better to miss one now than after the training.
        expect_totals(context)?;
        Ok(inputs)
    }

    /// The files that the weights depend on.
    fn files(&self) -> impl Iterator<Item = &PathBuf> {
        let parts = self.training.iter().chain(&self.validation);
        parts.flat_map(|stored| [&stored.part, &stored.features]).chain(&self.codes)
    }
}

impl Stage for Train {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        "Train the network and make the model folder (model/)"
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
        let inputs = Inputs::of(context)?;
        let recipe = recipe(config);
        let mut fingerprint = context
            .made_from(inputs.files())?
            .with("the model's layout", BUNDLE_VERSION)
            .with("train.hidden_size", config.train.hidden_size);
        for (key, value) in settings(&recipe) {
            fingerprint = fingerprint.with(key, value);
        }
        for (name, file) in mapping_files(config)? {
            fingerprint = fingerprint.with_file(name, &file)?;
        }
        let checkpoint = Checkpointing {
            folder: workspace.checkpoint(),
            fingerprint: serde_json::to_string(&fingerprint.identity())?,
            every: Duration::from_secs_f64(config.train.checkpoint_minutes * 60.0),
        };
        let work = move || make_model(context, inputs, recipe, checkpoint);
        tasks.run(Task::new(NAME, fingerprint, self.makes(workspace), work))
    }
}

/// Trains, and makes the model folder.
fn make_model(
    context: &Context<'_>,
    inputs: Inputs,
    recipe: Recipe,
    checkpoint: Checkpointing,
) -> Result<TrainSummary, PipelineError> {
    let Context { config, workspace, progress, .. } = *context;
    let Inputs { training, validation, codes, similar } = inputs;
    let examples = StoredExamples::open(training, validation)?;
    let codes = codes.map(|path| TokenCodes::read(&path)).transpose()?;
    let shape_of = |codes: &TokenCodes| (codes.shape().depth(), codes.shape().width());
    let (sketch_depth, sketch_width) = codes.as_ref().map_or((0, 0), shape_of);
    let layout = InputLayout {
        sketch_depth,
        sketch_width,
        logarithms: recipe.logarithms,
        languages: examples.languages().len(),
    };
    let shape = Shape { layout, hidden: config.train.hidden_size };
    let options = TrainOptions {
        recipe,
        memory_budget: config.memory_budget(),
        threads: config.threads(),
        scratch: workspace.scratch(NAME)?,
        checkpoint: Some(checkpoint),
    };
    let Trained { network, summary, curve } = train(&examples, codes.clone(), shape, &options, progress)?;
    let bundle = BundleWriter::begin(workspace.model())?;
    let similar = SimilarAuthors::open(&similar)?;
    freeze(&workspace.counts(), &similar, &bundle.path(COUNTS_FOLDER)?, progress)?;
    let calibration = calibrate(&examples, &InputBuilder::new(codes.clone(), layout))?;
    save_onnx(&network, &bundle.path(ONNX)?)?;
    for (name, file) in mapping_files(config)? {
        bundle.copy(name, &file)?;
    }
    bundle.finish(&network, Some(&calibration), codes.as_ref(), examples.languages())?;
    write_file(&workspace.training_log(), |out| {
        curve.iter().try_for_each(|point| writeln!(out, "{}", serde_json::to_string(point)?))
    })?;
    workspace.remove_checkpoint()?;
    Ok(summary)
}
