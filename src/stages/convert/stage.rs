//! What the stage says of itself.

use std::fs::File;
use std::iter;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use skimlog_formats::record::FieldCount;
use skimlog_import::ids::dictionary_path;
use skimlog_import::importer::{ImportError, Importer};
use skimlog_import::mapping::Mapping;
use skimlog_model::bundle::{MAPPING_FILE, TOKENIZER_FILE};
use skimlog_runtime::files::InputFiles;
use skimlog_runtime::semaphore::Semaphore;
use skimlog_runtime::stream::{BlockSize, Content, LineBlocks, RawPart, StreamError, content_of, head};

use super::adoption::adoption;
use super::error::ConvertError;
use super::import::{Spill, open_log};
use super::logs::Logs;
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
        let (mut raw, mut logs, mut converted) = (Vec::new(), Vec::new(), Vec::new());
        for part in data.parts().cloned() {
            match Source::of(&part, context.config)? {
                Source::Converted => converted.push(adoption(context, name_of(&part), part)?),
                Source::Log => {
                    InputFiles::of([part.path.as_path()]).ensure_none_is(&context.workspace.part(&part.name))?;
                    logs.push(importing(context, part)?);
                }
                Source::Raw => {
                    InputFiles::of([part.path.as_path()]).ensure_none_is(&context.workspace.part(&part.name))?;
                    raw.push(conversion(context, part)?);
                }
            }
        }
        converted.into_iter().try_for_each(|part| tasks.run(part))?;
        convert_raw(context, raw, tasks)?;
        import_all(context, logs, tasks)?;
        data.expect_distinct_records(context.workspace)
    }
}

/// Name of a part's task.
fn name_of(part: &RawPart) -> String {
    format!("{NAME} {}", part.name)
}

/// What a part of the configuration is.
enum Source {
    Raw,
    Converted,
    Log,
}

impl Source {
    /// With a mapping, what is not converted is a log.
    fn of(part: &RawPart, config: &Config) -> Result<Self, PipelineError> {
        let first = |path: &Path| {
            let mut file = File::open(path)?;
            head(&mut file)
        };
        if config.mapping.is_none() {
            return Ok(if content_of(&part.path)? == Content::Skim { Self::Converted } else { Self::Raw });
        }
        let first = first(&part.path).map_err(|source| StreamError::Open { path: part.path.clone(), source })?;
        Ok(if Content::of(&first) == Content::Skim { Self::Converted } else { Self::Log })
    }
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
    let quarantine = quarantine(config, workspace, part.name);
    let options = ConvertOptions { vocabulary: config.vocabulary_size, fields: Some(FieldCount::Labelled), quarantine };
    let outputs = vec![target.clone()];
    Ok(Goal { name, fingerprint, outputs, work: Conversion { raw: part.path, options, target } })
}

/// Where bad records of a part go, if they go anywhere.
fn quarantine(config: &Config, workspace: &Layout, name: String) -> Option<Quarantine> {
    let most = config.max_bad_records;
    let put_aside = config.bad_records == BadRecords::Quarantine;
    put_aside.then(|| Quarantine { directory: workspace.rejected(), name, ending: "tsv", most })
}

/// A log and what is to become of it.
struct Importing {
    log: PathBuf,
    quarantine: Option<Quarantine>,
    target: PathBuf,
}

fn importing(context: &Context<'_>, part: RawPart) -> Result<Goal<Importing>, PipelineError> {
    let Context { config, workspace, .. } = context;
    let name = name_of(&part);
    let target = workspace.part(&part.name);
    let mapping = read_mapping(config)?;
    let mut fingerprint = Fingerprint::new()
        .with_file("the log", &part.path)?
        .with_file("the mapping", &mapping.path)?
        .with("vocabulary_size", config.vocabulary_size)
        .with("bad_records", format!("{:?}", config.bad_records));
    if let Some(tokenizer) = &mapping.tokenizer {
        fingerprint = fingerprint.with_file("the tokenizer", &tokenizer.file)?;
    }
    let mut outputs = vec![target.clone()];
    if mapping.keep_ids {
        outputs.push(dictionary_path(&target));
    }
    let quarantine = quarantine(config, workspace, part.name);
    Ok(Goal { name, fingerprint, outputs, work: Importing { log: part.path, quarantine, target } })
}

/// The files of the mapping that a model keeps, so that it predicts rows of the same logs: their names in the model,
/// and where they are.
///
/// # Errors
/// [`ConvertError::Mapping`].
pub fn mapping_files(config: &Config) -> Result<Vec<(&'static str, PathBuf)>, PipelineError> {
    let Some(path) = &config.mapping else { return Ok(Vec::new()) };
    let tokenizer = read_mapping(config)?.tokenizer.map(|tokenizer| (TOKENIZER_FILE, tokenizer.file));
    Ok(iter::once((MAPPING_FILE, path.clone())).chain(tokenizer).collect())
}

/// The mapping of the configuration.
fn read_mapping(config: &Config) -> Result<Mapping, PipelineError> {
    let path = config.mapping.as_deref().unwrap_or(Path::new(""));
    Ok(Mapping::read(path).map_err(ConvertError::from)?)
}

fn import_all(
    context: &Context<'_>,
    goals: Vec<Goal<Importing>>,
    tasks: &mut TaskRunner<'_>,
) -> Result<(), PipelineError> {
    if goals.is_empty() {
        return Ok(());
    }
    let Context { config, workspace, .. } = *context;
    let parts_at_once = NonZeroUsize::new(config.max_n_parts_in_memory).unwrap_or(NonZeroUsize::MIN);
    let permits = Semaphore::new(parts_at_once.get() as u64);
    tasks.run_together(goals, |logs: Vec<Importing>, made| {
        let mapping = read_mapping(config)?;
        if !mapping.has_reactions() {
            return Err(ConvertError::NoReactionsMapped { path: mapping.path }.into());
        }
        let importer = Importer::new(mapping, config.vocabulary_size).map_err(ImportError::from);
        let importer = importer.map_err(ConvertError::from)?;
        let spill = Spill::within(workspace.scratch(NAME)?, config.memory_budget())?;
        let targets: Vec<PathBuf> = logs.iter().map(|log| log.target.clone()).collect();
        let parts = logs.into_iter().enumerate().map(|(number, Importing { log, quarantine, target })| {
            let opened = open_log(&log, &importer, None, Some(permits.acquire()));
            let dictionary = importer
                .mapping()
                .keep_ids
                .then(|| spill.dictionary(&format!("ids-{number}"), context.threads(), dictionary_path(&target)));
            let importer = importer.clone();
            Ok(PartInput::Logs(Logs { importer, opened: Box::new(iter::once(opened)), quarantine, dictionary }))
        });
        let finished = |output: PartFile, summary| {
            made(Unsettled { file: output.finish()?, summary: serde_json::to_value(summary)? })
        };
        convert(parts, context.threads(), &SkimFiles { targets: &targets }, finished, context.progress)
    })
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
