//! `skimmer export`.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, ValueEnum};
use serde::Serialize;
use skimlog::amounts;
use skimlog::pipeline::export::{ExportError, ParquetTimes, export_parquet, export_tsv};
use skimlog_formats::columnar::Reader;
use skimlog_formats::part;
use skimlog_import::ids::{Dictionaries, dictionary_path};
use skimlog_runtime::files::{AtomicFile, InputFiles};

use super::output::{StandardOutput, path_text, write_json};
use super::own_ids::{self, IdForm};
use super::usage::UsageError;
use super::{Common, skim};

/// Write a .skim file as text or as Parquet.
///
/// `--to tsv` gives back the raw text of a whole part, byte for byte; of anything else, a table with column names.
/// `--to parquet` gives a file that pandas, polars and DuckDB read. Ids are the log's own where the import left a
/// dictionary beside the file (FILE.ids), else strings of 32 hexadecimal digits. The dictionary itself becomes a table
/// of ids and texts.
#[derive(Args)]
#[command(after_help = "\
Examples:
  skimmer export part-00000.skim --to tsv > part-00000
  skimmer export part-00000.skim --to parquet \\
      -o part-00000.parquet
  skimmer export part-00000.ids --to tsv > ids.tsv
  skimmer export features/part-00000.skim --to tsv \\
      --columns train.pair.like,train.reader.like")]
pub(super) struct Export {
    /// The file.
    #[arg(value_name = "FILE.skim")]
    file: PathBuf,
    /// The form to write.
    #[arg(long, value_name = "FORM", value_enum)]
    to: Form,
    /// Where to write; `-` is standard output [default: standard output, for text].
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    /// What times become in Parquet.
    #[arg(long, value_enum, value_name = "FORM", default_value_t = Times::Timestamps)]
    times: Times,
    /// What ids become [default: own, where a dictionary stands beside the file; hash in raw records].
    #[arg(long, value_enum, value_name = "FORM")]
    ids: Option<IdForm>,
    /// Only these columns, in this order.
    #[arg(long, value_name = "A,B,…", value_delimiter = ',')]
    columns: Option<Vec<String>>,
    /// Write the summary to this file, as one JSON value.
    #[arg(long, value_name = "FILE")]
    summary: Option<PathBuf>,
}

#[derive(Clone, Copy, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
enum Form {
    /// Text.
    Tsv,
    /// Apache Parquet.
    Parquet,
}

#[derive(Clone, Copy, ValueEnum)]
enum Times {
    /// TIMESTAMP columns, in milliseconds of UTC.
    Timestamps,
    /// Unix seconds, for times that a timestamp cannot hold.
    Seconds,
}

impl From<Times> for ParquetTimes {
    fn from(times: Times) -> Self {
        match times {
            Times::Timestamps => Self::Timestamps,
            Times::Seconds => Self::Seconds,
        }
    }
}

/// What was written where.
#[derive(Serialize)]
struct Exported {
    #[serde(serialize_with = "path_text")]
    file: PathBuf,
    to: Form,
    /// Nothing for standard output.
    output: Option<String>,
    records: u64,
    bytes_written: u64,
}

impl Export {
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<()> {
        if let (Form::Parquet, None) = (self.to, &self.output) {
            let what = "Parquet is no text: say where to write with -o FILE, or -o - for standard output";
            return Err(UsageError(what.into()).into());
        }
        let path = self.output.as_deref().filter(|path| *path != Path::new("-"));
        let inputs = InputFiles::of([self.file.as_path(), &dictionary_path(&self.file)]);
        inputs.ensure_none_is(path.unwrap_or(Path::new("/dev/stdout")))?;
        let reader = skim::open(&self.file)?;
        let dictionaries = self.dictionaries(&reader)?;
        let summary_file = self.summary.as_deref().map(AtomicFile::create).transpose()?;
        let records = reader.rows();
        let bytes_written = match path {
            None => {
                let mut out = Counted { out: StandardOutput::open()?, bytes: 0 };
                self.write(reader, &dictionaries, &mut out, common)?;
                out.bytes
            }
            Some(path) => {
                let mut out = Counted { out: BufWriter::new(AtomicFile::create(path)?), bytes: 0 };
                self.write(reader, &dictionaries, &mut out, common).map_err(|error| match error {
                    ExportError::Write(_) | ExportError::Parquet(_) => {
                        anyhow::Error::from(error).context(path.display().to_string())
                    }
                    error => error.into(),
                })?;
                let written = out.out.into_inner().map_err(io::IntoInnerError::into_error);
                written.with_context(|| format!("{}: cannot write", path.display()))?.commit()?;
                out.bytes
            }
        };
        let output = path.map(|path| path.display().to_string());
        let exported = Exported { file: self.file.clone(), to: self.to, output, records, bytes_written };
        match &exported.output {
            // Standard output is the result.
            None => common.summarize_aside(&exported, summary_file, None),
            Some(output) => {
                if let Some(file) = summary_file {
                    write_json(&exported, file)?;
                }
                common.summarize(&exported, || {
                    format!(
                        "{}: {}, {} written to {output}",
                        self.file.display(),
                        amounts::counted(records, "record", "records"),
                        amounts::bytes(bytes_written as f64)
                    )
                })
            }
        }
    }

    /// What own ids come from; nothing for raw records, whose ids are hexadecimal digits.
    fn dictionaries(&self, reader: &Reader) -> anyhow::Result<Dictionaries> {
        let is_raw = matches!(self.to, Form::Tsv) && self.columns.is_none() && reader.schema().kind == part::KIND;
        match self.ids {
            Some(IdForm::Own) if is_raw => {
                let what = "raw records have ids of 32 hexadecimal digits: for own ids, select --columns or write \
                            --to parquet";
                Err(UsageError(what.into()).into())
            }
            None if is_raw => Ok(Dictionaries::default()),
            form => own_ids::dictionaries(&self.file, form),
        }
    }

    fn write(
        &self,
        reader: Reader,
        dictionaries: &Dictionaries,
        out: &mut (impl Write + Send),
        common: &Common,
    ) -> Result<(), ExportError> {
        let (columns, terminal) = (self.columns.as_deref(), common.terminal());
        match self.to {
            Form::Tsv => export_tsv(reader, columns, dictionaries, out, &terminal)?,
            Form::Parquet => export_parquet(reader, columns, self.times.into(), dictionaries, out, &terminal)?,
        }
        Ok(out.flush()?)
    }
}

/// An output that counts what it takes.
struct Counted<W> {
    out: W,
    bytes: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.out.write(bytes)?;
        self.bytes += taken as u64;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
