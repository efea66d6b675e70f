//! What the stage says of itself.

use std::path::PathBuf;

use skimlog_features::counts::Table;
use skimlog_features::similar::SimilarAuthors;

use super::count::{FeatureInputs, FeatureOptions, FeatureOutputs, FeaturesError, HoldOut, build};
use crate::config::Config;
use crate::pipeline::examples::StoredPart;
use crate::pipeline::{Context, PipelineError, Stage, StageError, Task, TaskRunner};
use crate::stages::convert::{training_parts, validation_part};
use crate::stages::similar::similar_authors;
use crate::workspace::Layout;

/// Counts → `features/*.skim`, `counts/*.skim`.
pub struct Features;

pub(super) const NAME: &str = "features";

impl StageError for FeaturesError {}

/// A converted part with its counts, which must be there.
///
/// # Errors
/// [`PipelineError::Missing`].
pub fn stored_part(context: &Context<'_>, part: PathBuf) -> Result<StoredPart, PipelineError> {
    let features = context.made(context.workspace.features_of(&part), NAME)?;
    Ok(StoredPart { features, part })
}

/// Makes sure that the totals of every counter are there.
///
/// # Errors
/// [`PipelineError::Missing`].
pub fn expect_totals(context: &Context<'_>) -> Result<(), PipelineError> {
    Table::ALL.iter().try_for_each(|table| context.made(context.workspace.totals(&table.name()), NAME).map(drop))
}

fn hold_out(config: &Config) -> HoldOut {
    match &config.validation_split {
        Some(path) => HoldOut::File(path.clone()),
        None => HoldOut::Random { percentage: config.validation_percentage, seed: config.seed },
    }
}

impl Stage for Features {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        "Count what each record's reader, author and tweet did before: 65 counts a record (features/, counts/)"
    }

    fn makes(&self, layout: &Layout) -> Vec<PathBuf> {
        vec![layout.features(), layout.counts()]
    }

    fn run(&self, context: &Context<'_>, tasks: &mut TaskRunner<'_>) -> Result<(), PipelineError> {
        let Context { config, workspace, progress, .. } = *context;
        let (training, validation) = (training_parts(context)?, validation_part(context)?);
        let similar = similar_authors(context)?;
        let hold_out = hold_out(config);
        let chunks = u16::try_from(config.num_validation_chunks).unwrap_or(u16::MAX);
        let inputs = training.iter().chain(&validation).chain([&similar]);
        let mut fingerprint = context.made_from(inputs)?.with("num_validation_chunks", chunks);
        fingerprint = match &hold_out {
            HoldOut::File(path) => fingerprint.with_file("validation_split", path)?,
            HoldOut::Random { percentage, seed } => {
                fingerprint.with("validation_percentage", percentage).with("seed", seed)
            }
        };
        let features = training.iter().chain(&validation).map(|part| workspace.features_of(part));
        let made = features.chain(Table::ALL.map(|table| workspace.totals(&table.name()))).collect();
        let work = move || {
            let options = FeatureOptions {
                memory_budget: config.memory_budget(),
                threads: config.threads(),
                scratch: workspace.scratch(NAME)?,
                hold_out,
                chunks,
            };
            let outputs = FeatureOutputs { features: workspace.features(), counts: workspace.counts() };
            let similar = SimilarAuthors::open(&similar)?;
            let inputs = FeatureInputs { training: &training, validation: validation.as_deref(), similar: &similar };
            Ok(build(&inputs, &options, &outputs, progress)?)
        };
        tasks.run(Task::new(NAME, fingerprint, made, work))
    }
}
