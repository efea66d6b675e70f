//! `skimmer export-features`.

use anyhow::anyhow;
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde::Serialize;
use skimlog::amounts;
use skimlog::pipeline::assembled::{Content, Form, Options, Source, assemble};
use skimlog::pipeline::examples::{Portion, StoredExamples, StoredPart};
use skimlog::pipeline::{Context, Pipeline, PipelineError};
use skimlog::stages::convert::{ConvertOptions, convert_part, training_parts, validation_part};
use skimlog::stages::evaluate::NoValidationPart;
use skimlog::stages::features::stored_part;
use skimlog::stages::sketch::token_codes;
use skimlog::stages::train::model_manifest;
use skimlog_features::counts::frozen::FrozenCounts;
use skimlog_features::input::Languages;
use skimlog_features::sketch::TokenCodes;
use skimlog_formats::part::PartReader;
use skimlog_import::ids::Dictionaries;
use skimlog_model::bundle::{Bundle, COUNTS_FOLDER, Verify};
use skimlog_runtime::files::InputFiles;
use skimlog_runtime::machine;
use skimlog_runtime::stream::{BlockSize, Content as FileContent, LineBlocks, content_of};

use super::output::path_text;
use super::usage::UsageError;
use super::{Common, Terminal, values};

/// Write what the model sees of each record, with its ids and labels, for LightGBM, PyTorch or a notebook.
///
/// A row a record, in the records' order: tweet_id, reader_id; the reactions like, retweet, quote, reply, where the
/// records have them; the 73 numbers and the 12 flags; language, hour and day as numbers. `--network-input` writes the
/// exact inputs of model.onnx instead. docs/EXPORT.md lists all columns.
///
/// With `--split`, numbers are those of training and evaluation: a record's own day (train) or chunk (finetune) is left
/// out of its counts. With FILE and `--model`, they are those of prediction.
#[derive(Args)]
#[command(
    override_usage = "skimmer export-features --to <FORM> -o <OUT> [FILE]",
    after_help = "\
Examples:
  skimmer export-features --split train --to parquet \\
      -o train.parquet
  skimmer export-features test.tsv --model model \\
      --network-input --to npy -o test_input"
)]
pub(super) struct ExportFeatures {
    /// A part, raw, packed or .skim; `-` for standard input.
    #[arg(value_name = "FILE", requires = "model")]
    file: Option<PathBuf>,
    /// Records of the configuration's working directory.
    #[arg(long, value_name = "SPLIT", value_enum, conflicts_with = "file")]
    split: Option<Split>,
    /// The model folder whose counts, languages and token codes FILE is given.
    #[arg(long, value_name = "DIR", requires = "file")]
    model: Option<PathBuf>,
    /// The form to write.
    #[arg(long, value_name = "FORM", value_enum)]
    to: To,
    /// Where to write: a file; a folder for npy.
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
    /// Write the tweet's sketch, too.
    #[arg(long, conflicts_with = "network_input")]
    sketch: bool,
    /// Write the inputs of model.onnx: numbers, language, hour and day.
    #[arg(long)]
    network_input: bool,
    /// Worker threads [default: as many as cores].
    #[arg(long, value_name = "N", value_parser = values::threads(), allow_negative_numbers = true)]
    threads: Option<NonZeroUsize>,
}

#[derive(Clone, Copy, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
enum Split {
    /// The training records.
    Train,
    /// The validation records that the network is fine-tuned on.
    Finetune,
    /// The validation records that it is measured on.
    Holdout,
}

#[derive(Clone, Copy, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
enum To {
    /// Apache Parquet.
    Parquet,
    /// Arrow IPC, which programs can map.
    Arrow,
    /// A folder of numpy arrays.
    Npy,
}

/// What was written where.
#[derive(Serialize)]
struct Written {
    split: Option<Split>,
    file: Option<String>,
    to: To,
    #[serde(serialize_with = "path_text")]
    output: PathBuf,
    records: u64,
}

impl ExportFeatures {
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<()> {
        let records = match (self.split, &self.file, &self.model) {
            (Some(split), ..) => self.split(split, common)?,
            (None, Some(file), Some(model)) => self.file(file, model, common)?,
            _ => {
                let what = "say which records: --split train, finetune or holdout, or a FILE with --model DIR";
                return Err(UsageError(what.into()).into());
            }
        };
        let written = Written {
            split: self.split,
            file: self.file.as_ref().map(|file| file.display().to_string()),
            to: self.to,
            output: self.output.clone(),
            records,
        };
        common.summarize(&written, || {
            format!("{} written to {}", amounts::counted(records, "record", "records"), self.output.display())
        })
    }

    /// Records of the working directory.
    fn split(&self, split: Split, common: &Common) -> anyhow::Result<u64> {
        let config = common.load_config()?;
        let terminal = common.terminal();
        let pipeline = Pipeline::open(&config, &terminal)?;
        let context = pipeline.context();
        let training = training_parts(&context)?.into_iter().map(|part| stored_part(&context, part));
        let training: Vec<StoredPart> = training.collect::<Result<_, _>>()?;
        let bundle = match self.network_input {
            true => {
                model_manifest(&context)?;
                Some(Bundle::open(context.workspace.model(), Verify::Prediction)?)
            }
            false => None,
        };
        let languages = match &bundle {
            Some(bundle) => bundle.languages().clone(),
            None => StoredExamples::open(training.clone(), None)?.languages().clone(),
        };
        let content = match &bundle {
            Some(bundle) => network_input(bundle)?,
            None if self.sketch => {
                let codes = token_codes(&context)?.ok_or_else(no_sketch)?;
                Content::Features { sketch: Some(TokenCodes::read(&codes)?) }
            }
            None => Content::Features { sketch: None },
        };
        let (parts, portion) = match split {
            Split::Train => (training, Portion::Training),
            Split::Finetune => (validation(&context)?, Portion::Finetune),
            Split::Holdout => (validation(&context)?, Portion::HoldOut),
        };
        let inputs = parts.iter().flat_map(|stored| [stored.part.as_path(), stored.features.as_path()]);
        InputFiles::of(inputs).ensure_none_is(&self.output)?;
        let own = Dictionaries::beside(parts.iter().map(|stored| &stored.part))?;
        self.write(Source::stored(parts, portion)?, content, &languages, own, &terminal)
    }

    /// Records of a file, with the counts of a model.
    fn file(&self, file: &Path, model: &Path, common: &Common) -> anyhow::Result<u64> {
        let bundle = Bundle::open(model, Verify::Prediction)?;
        let content = match (self.network_input, self.sketch) {
            (true, _) => network_input(&bundle)?,
            (false, true) => Content::Features { sketch: Some(bundle.codes()?.ok_or_else(no_sketch)?) },
            (false, false) => Content::Features { sketch: None },
        };
        let counts = FrozenCounts::open(&model.join(COUNTS_FOLDER))?;
        let is_input = file == Path::new("-");
        let input = if is_input { Path::new("/dev/stdin") } else { file };
        InputFiles::of([input]).ensure_none_is(&self.output)?;
        let terminal = common.terminal();
        if !is_input && content_of(file)? == FileContent::Skim {
            let (part, own) = (PartReader::open(file)?, Dictionaries::beside([file])?);
            return self.write(Source::part(part, counts), content, bundle.languages(), own, &terminal);
        }
        // Raw records become a temporary part first.
        let folder = tempfile::tempdir()?;
        let part = folder.path().join("part.skim");
        let blocks = match is_input {
            true => LineBlocks::of_reader("standard input", io::stdin(), BlockSize::default()),
            false => LineBlocks::open(file, BlockSize::default(), None)?,
        };
        convert_part(blocks, ConvertOptions::default(), self.threads(), &part, &terminal)?;
        let own = Dictionaries::default();
        self.write(Source::part(PartReader::open(&part)?, counts), content, bundle.languages(), own, &terminal)
    }

    fn write(
        &self,
        source: Source,
        content: Content,
        languages: &Languages,
        own: Dictionaries,
        terminal: &Terminal,
    ) -> anyhow::Result<u64> {
        let form = match self.to {
            To::Parquet => Form::Parquet,
            To::Arrow => Form::Arrow,
            To::Npy => Form::Npy,
        };
        let options = Options { content, form, languages, own: &own, threads: self.threads() };
        Ok(assemble(source, &options, &self.output, terminal)?)
    }

    fn threads(&self) -> NonZeroUsize {
        self.threads.unwrap_or_else(machine::threads)
    }
}

fn no_sketch() -> anyhow::Error {
    anyhow!("there is no sketch: the network sees nothing of the text (text: none); leave out --sketch")
}

fn network_input(bundle: &Bundle) -> anyhow::Result<Content> {
    Ok(Content::NetworkInput { inputs: bundle.inputs()?, layout: bundle.shape().layout })
}

/// The validation part with its counts.
fn validation(context: &Context<'_>) -> Result<Vec<StoredPart>, PipelineError> {
    let part = validation_part(context)?.ok_or(NoValidationPart)?;
    Ok(vec![stored_part(context, part)?])
}
