//! `skimmer export`.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use anyhow::bail;
use clap::{Args, ValueEnum};
use skimmer::pipeline::export::{ParquetTimes, export_parquet, export_tsv};
use skimmer::workspace::AtomicFile;
use skimmer_formats::columnar::Reader;

use super::Common;

/// Write a .skim file as text or as Parquet.
///
/// `--to tsv` gives back the raw text of a whole part, byte for byte; of anything else, a table with column names.
/// `--to parquet` gives a file that pandas, polars and DuckDB read; ids are strings of 32 hexadecimal digits.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  skimmer export part-00000.skim --to parquet -o part-00000.parquet\n  skimmer export features/part-00000.skim --to tsv --columns train.pair.like,train.reader.like"
)]
pub(super) struct Export {
    /// The file.
    #[arg(value_name = "FILE.skim")]
    file: PathBuf,
    /// The form to write.
    #[arg(long, value_enum)]
    to: Form,
    /// Where to write [default: standard output, for text].
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    /// What times become in Parquet.
    #[arg(long, value_enum, value_name = "FORM", default_value_t = Times::Timestamps)]
    times: Times,
    /// Only these columns, in this order.
    #[arg(long, value_name = "A,B,…", value_delimiter = ',')]
    columns: Option<Vec<String>>,
}

#[derive(Clone, Copy, ValueEnum)]
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

impl Export {
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<()> {
        let reader = Reader::open(&self.file)?;
        let (columns, terminal) = (self.columns.as_deref(), common.terminal());
        let Some(path) = &self.output else {
            let Form::Tsv = self.to else { bail!("Parquet is no text: say where to write with -o FILE") };
            return Ok(export_tsv(reader, columns, &mut io::stdout().lock(), &terminal)?);
        };
        let mut out = BufWriter::new(AtomicFile::create(path)?);
        match self.to {
            Form::Tsv => export_tsv(reader, columns, &mut out, &terminal)?,
            Form::Parquet => export_parquet(reader, columns, self.times.into(), &mut out, &terminal)?,
        }
        out.flush()?;
        Ok(out.into_inner().map_err(io::IntoInnerError::into_error)?.commit()?)
    }
}
