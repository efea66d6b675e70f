//! What the stage says of itself.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use skimlog_formats::record::FieldCount;
use skimlog_runtime::files::InputFiles;
use skimlog_runtime::semaphore::Semaphore;
use skimlog_runtime::stream::{BlockSize, Content, LineBlocks, RawPart, content_of};

use super::adoption::adoption;
use super::options::{ConvertOptions, Quarantine};
use super::parts::convert;
use super::skim::{PartFile, SkimFiles};
use super::source::PartInput;
use crate::config::{BadRecords, Config};
use crate::pipeline::{Context, Goal, PipelineError, RawData, Stage, TaskRunner, Unsettled};
use crate::workspace::{Fingerprint, Layout};

/// Raw parts → `parts/*.skim`.
pub struct Convert;

pub(super) const NAME: &str = "convert";

/// The converted training parts, each of which must be there, and none of which may hold what another does.
///
/// # Errors
/// [`PipelineError::Missing`] for a part that is not converted; [`PipelineError::Stream`] for raw parts that cannot be
/// read, or have the same name or content.
pub fn training_parts(context: &Context<'_>) -> Result<Vec<PathBuf>, PipelineError> {
    let data = RawData::of(context.config)?;
    let parts = data.training.iter().map(|part| context.made(context.workspace.part(&part.name), NAME));
    let parts = parts.collect::<Result<_, _>>()?;
    data.expect_distinct_records(context.workspace)?;
    Ok(parts)
}

/// The converted validation part, which must be there if the configuration has one.
///
/// # Errors
/// [`PipelineError::Missing`] if it is not converted.
pub fn validation_part(context: &Context<'_>) -> Result<Option<PathBuf>, PipelineError> {
    let wanted = context.config.validation_part.as_ref();
    wanted.map(|_| context.made(context.workspace.validation_part(), NAME)).transpose()
}

impl Stage for Convert {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        "Convert raw parts into the compact format (parts/)"
    }

    fn check(&self, config: &Config) -> Result<(), PipelineError> {
        RawData::of(config).map(drop)
    }

    fn makes(&self, layout: &Layout) -> Vec<PathBuf> {
        vec![layout.parts()]
    }

    fn run(&self, context: &Context<'_>, tasks: &mut TaskRunner<'_>) -> Result<(), PipelineError> {
        let data = RawData::of(context.config)?;
        if !data.passed_over.is_empty() {
            context.progress.warn(&data.passed_over.to_string());
        }
        let (mut raw, mut converted) = (Vec::new(), Vec::new());
        for part in data.parts().cloned() {
            match content_of(&part.path)? {
                Content::Skim => converted.push(adoption(context, name_of(&part), part)?),
                _ => {
                    InputFiles::of([part.path.as_path()]).ensure_none_is(&context.workspace.part(&part.name))?;
                    raw.push(conversion(context, part)?);
                }
            }
        }
        converted.into_iter().try_for_each(|part| tasks.run(part))?;
        convert_raw(context, raw, tasks)?;
        data.expect_distinct_records(context.workspace)
    }
}

/// Name of a part's task.
fn name_of(part: &RawPart) -> String {
    format!("{NAME} {}", part.name)
}

/// A raw part and what is to become of it.
struct Conversion {
    raw: PathBuf,
    options: ConvertOptions,
    target: PathBuf,
}

fn conversion(context: &Context<'_>, part: RawPart) -> Result<Goal<Conversion>, PipelineError> {
    let Context { config, workspace, .. } = context;
    let name = name_of(&part);
    let target = workspace.part(&part.name);
    let fingerprint = Fingerprint::new()
        .with_file("the raw part", &part.path)?
        .with("vocabulary_size", config.vocabulary_size)
        .with("bad_records", format!("{:?}", config.bad_records));
    let quarantine = match config.bad_records {
        BadRecords::Stop => None,
        BadRecords::Quarantine => Some(Quarantine {
            directory: workspace.rejected(),
            name: part.name,
            ending: "tsv",
            most: config.max_bad_records,
        }),
    };
    let options = ConvertOptions { vocabulary: config.vocabulary_size, fields: Some(FieldCount::Labelled), quarantine };
    let outputs = vec![target.clone()];
    Ok(Goal { name, fingerprint, outputs, work: Conversion { raw: part.path, options, target } })
}

fn convert_raw(
    context: &Context<'_>,
    goals: Vec<Goal<Conversion>>,
    tasks: &mut TaskRunner<'_>,
) -> Result<(), PipelineError> {
    let parts_at_once = NonZeroUsize::new(context.config.max_n_parts_in_memory).unwrap_or(NonZeroUsize::MIN);
    let permits = Semaphore::new(parts_at_once.get() as u64);
    tasks.run_together(goals, |conversions: Vec<Conversion>, made| {
        let (targets, raw): (Vec<_>, Vec<_>) =
            conversions.into_iter().map(|Conversion { raw, options, target }| (target, (raw, options))).unzip();
        let parts = raw.into_iter().map(|(raw, options)| {
            Ok(PartInput::Raw(LineBlocks::open(&raw, BlockSize::default(), Some(permits.acquire()))?, options))
        });
        let finished = |output: PartFile, summary| {
            made(Unsettled { file: output.finish()?, summary: serde_json::to_value(summary)? })
        };
        convert(parts, context.threads(), &SkimFiles { targets: &targets }, finished, context.progress)
    })
}
