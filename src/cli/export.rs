//! `skimmer export`.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use skimmer::pipeline::export::{ExportError, export_parquet, export_tsv};
use skimmer::progress::Progress;
use skimmer::workspace::{AtomicFile, InputFiles};
use skimmer_formats::columnar::Reader;

use super::Common;
use super::output::stdout;

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
    /// Where to write; `-` is standard output [default: standard output, for text].
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
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

impl Export {
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<()> {
        let inputs = InputFiles::of([self.file.as_path()]);
        match self.output.as_deref().filter(|path| *path != Path::new("-")) {
            Some(path) => {
                inputs.ensure_none_is(path)?;
                let reader = Reader::open(&self.file)?;
                let mut out = BufWriter::new(AtomicFile::create(path)?);
                self.write(reader, &mut out, &common.terminal()).map_err(|error| match error {
                    ExportError::Write(_) | ExportError::Parquet(_) => {
                        anyhow::Error::from(error).context(path.display().to_string())
                    }
                    error => error.into(),
                })?;
                let written = out.into_inner().map_err(io::IntoInnerError::into_error);
                Ok(written.with_context(|| format!("{}: cannot write", path.display()))?.commit()?)
            }
            None if self.output.is_none() && matches!(self.to, Form::Parquet) => {
                bail!("Parquet is no text: say where to write with -o FILE, or -o - for standard output")
            }
            None => {
                inputs.ensure_none_is(Path::new("/dev/stdout"))?;
                let mut out = BufWriter::new(stdout()?);
                self.write(Reader::open(&self.file)?, &mut out, &common.terminal())?;
                Ok(out.flush()?)
            }
        }
    }

    fn write<W: Write + Send>(&self, reader: Reader, out: &mut W, progress: &dyn Progress) -> Result<(), ExportError> {
        let columns = self.columns.as_deref();
        match self.to {
            Form::Tsv => export_tsv(reader, columns, out, progress),
            Form::Parquet => export_parquet(reader, columns, out, progress),
        }
    }
}
