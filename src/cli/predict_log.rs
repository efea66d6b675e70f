//! `skimmer predict` on a log of one's own.

use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::bail;
use clap::Args;
use skimlog::log_predictions::{LogPredictOptions, predict_log};
use skimlog_formats::record::VOCABULARY;
use skimlog_import::importer::{BadRow, Importer};
use skimlog_import::log::{Feed, LogFormat};
use skimlog_import::mapping::{Mapping, TokenizerOptions};
use skimlog_import::output::RowWriter;
use skimlog_model::bundle::{MAPPING_FILE, TOKENIZER_FILE};
use skimlog_model::predict::{EngagementModel, Input, PipeInput, PredictSummary};

use super::output::{StandardOutput, say};
use super::values;

/// Which log is predicted, and how its rows are written.
#[derive(Args)]
#[command(next_help_heading = "Logs of your own")]
pub(super) struct LogArgs {
    /// Predict the rows of this log, or of standard input (`-`), by a mapping.
    #[arg(value_name = "LOG")]
    log: Option<PathBuf>,
    /// Where each field of a record comes from [default: the mapping in the model, if it has one].
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,
    /// Read raw records, though the model has a mapping.
    #[arg(long, conflicts_with_all = ["mapping", "log"])]
    raw: bool,
    /// Format of the log [default: what the name or the first bytes say].
    #[arg(long, value_name = "FORMAT", value_parser = values::log_format())]
    format: Option<LogFormat>,
    /// Format of the predictions [default: the log's if it is text, else csv].
    #[arg(long, value_name = "FORMAT", value_parser = values::log_format())]
    to: Option<LogFormat>,
    /// Write a line of names first, in CSV and TSV.
    #[arg(long)]
    header: bool,
}

/// How a log of one's own is read and its predictions are written.
pub(super) struct LogJob {
    importer: Importer,
    log: Option<PathBuf>,
    format: Option<LogFormat>,
    to: Option<LogFormat>,
    header: bool,
}

impl LogArgs {
    /// The job, if the input is a log: a mapping was given, or the model has one.
    pub(super) fn job(&self, model: &Path) -> anyhow::Result<Option<LogJob>> {
        let in_model = model.join(MAPPING_FILE);
        let (path, is_models) = match &self.mapping {
            Some(path) => (path.clone(), false),
            None if !self.raw && in_model.is_file() => (in_model, true),
            None => {
                let asked = self.log.is_some() || self.format.is_some() || self.to.is_some() || self.header;
                if asked {
                    bail!("{} has no mapping: give one with --mapping FILE", model.display());
                }
                return Ok(None);
            }
        };
        let mut mapping = Mapping::read(&path)?.without_reactions();
        if let (true, Some(TokenizerOptions { file, .. })) = (is_models, &mut mapping.tokenizer) {
            *file = model.join(TOKENIZER_FILE);
        }
        let importer = Importer::new(mapping, VOCABULARY)?;
        let log = self.log.clone().filter(|log| log != Path::new("-"));
        Ok(Some(LogJob { importer, log, format: self.format, to: self.to, header: self.header }))
    }
}

impl LogJob {
    /// What is read, for people.
    pub(super) fn name(&self) -> String {
        self.log.as_ref().map_or_else(|| "standard input".to_owned(), |log| log.display().to_string())
    }

    /// Predicts the rows.
    pub(super) fn predict(
        &self,
        model: &Arc<EngagementModel>,
        options: &LogPredictOptions,
    ) -> anyhow::Result<PredictSummary> {
        let (path, (blocks, shape)) = match &self.log {
            Some(path) => (path.clone(), self.importer.open(path, self.format, None)?),
            None => {
                let path = PathBuf::from("standard input");
                let input = Piped(BufReader::with_capacity(1 << 16, PipeInput::standard()?));
                let opened = self.importer.open_pipe(&path, input, self.format, options.batch)?;
                (path, opened)
            }
        };
        let usual = match blocks.format() {
            LogFormat::Tsv => LogFormat::Tsv,
            LogFormat::Ndjson => LogFormat::Ndjson,
            LogFormat::Csv | LogFormat::Parquet | LogFormat::Arrow => LogFormat::Csv,
        };
        let output = RowWriter::new(self.to.unwrap_or(usual), self.header, StandardOutput::open()?);
        let name = self.name();
        let skipped = |row: &BadRow| say(format_args!("skimmer: {name}: {row}; left out"));
        Ok(predict_log(model, &self.importer, (path, blocks, shape), output, options, skipped)?)
    }
}

/// Standard input, of which rows do not wait for others.
struct Piped(BufReader<PipeInput>);

impl Read for Piped {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Feed for Piped {
    fn ready(&mut self) -> bool {
        !self.0.buffer().is_empty() || self.0.get_mut().ready()
    }
}
