//! `skimmer convert`.

use std::fs::Metadata;
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Args;
use serde::Serialize;
use skimmer::machine;
use skimmer::pipeline::Stage;
use skimmer::pipeline::convert::{ConvertOptions, ConvertSummary};
use skimmer::pipeline::run::convert_part;
use skimmer::stream::{BlockSize, LineBlocks};
use skimmer::workspace::{InputFiles, ensure_writable};

use super::stages::run_stages;
use super::{Common, Terminal};

/// Convert raw parts into the compact format.
///
/// Without PART: all parts of the configuration, into its working directory. `-` reads a part from standard input, so
/// that packed parts can be piped in.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  skimmer convert part-00000 -o part-00000.skim\n  lzop -dc part-00000.lzo | skimmer convert - -o part-00000.skim"
)]
pub(super) struct Convert {
    /// Raw parts (24 or 20 fields a record), plain or .zst; `-` for standard input.
    #[arg(value_name = "PART")]
    parts: Vec<PathBuf>,
    /// The .skim file to write, or, for several parts, the folder to write them to.
    #[arg(short, long, value_name = "FILE|DIR", requires = "parts")]
    output: Option<PathBuf>,
    /// Worker threads [default: as many as cores].
    #[arg(long, requires = "parts")]
    threads: Option<NonZeroUsize>,
    /// Number of token ids; a record with a larger one is malformed.
    #[arg(long, requires = "parts", default_value_t = skimmer_formats::record::VOCABULARY)]
    vocabulary: u32,
    /// Without PART: convert even what is up to date.
    #[arg(long, conflicts_with = "parts")]
    force: bool,
}

/// What became of a part.
#[derive(Serialize)]
struct Converted {
    part: PathBuf,
    output: PathBuf,
    #[serde(flatten)]
    summary: ConvertSummary,
    /// The file's size; a stream has none.
    bytes_written: Option<u64>,
}

impl Convert {
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<()> {
        if self.parts.is_empty() {
            return run_stages(common, &common.load_config()?, &[Stage::Convert], self.force).map(drop);
        }
        self.ensure_outputs()?;
        let threads = self.threads.unwrap_or_else(machine::threads);
        let terminal = common.terminal();
        let converted =
            self.parts.iter().map(|part| self.convert(part, threads, &terminal)).collect::<Result<Vec<_>, _>>()?;
        common.summarize(&converted, || {
            let line = |one: &Converted| {
                let written =
                    one.bytes_written.map_or_else(String::new, |bytes| format!("{:.1} MB ", bytes as f64 / 1e6));
                format!(
                    "{}: {} records, {:.1} MB of text, {written}written to {}",
                    one.part.display(),
                    one.summary.records,
                    one.summary.bytes_read as f64 / 1e6,
                    one.output.display()
                )
            };
            converted.iter().map(line).collect::<Vec<_>>().join("\n")
        })
    }

    fn convert(&self, part: &Path, threads: NonZeroUsize, terminal: &Terminal) -> anyhow::Result<Converted> {
        let blocks = if part == Path::new("-") {
            LineBlocks::of_reader("standard input", io::stdin(), BlockSize::default())
        } else {
            LineBlocks::open(part, BlockSize::default(), None)?
        };
        let output = self.output_of(&blocks.part_name())?;
        let options = ConvertOptions { vocabulary: self.vocabulary, ..ConvertOptions::default() };
        let summary = convert_part(blocks, options, threads, &output, terminal)?;
        let bytes_written = output.metadata().ok().filter(Metadata::is_file).map(|metadata| metadata.len());
        Ok(Converted { part: part.to_owned(), output, summary, bytes_written })
    }

    /// Whether this is the stage of a configuration, rather than parts of one's own.
    pub(super) fn runs_stage(&self) -> bool {
        self.parts.is_empty()
    }

    /// Refuses, before any work, outputs that are inputs and a folder that cannot be written to.
    fn ensure_outputs(&self) -> anyhow::Result<()> {
        let stdin = Path::new("/dev/stdin");
        let inputs = InputFiles::of(self.parts.iter().map(|part| if part == Path::new("-") { stdin } else { part }));
        for part in &self.parts {
            inputs.ensure_none_is(&self.output_of(&LineBlocks::part_name_of(part))?)?;
        }
        match &self.output {
            Some(folder) if self.is_folder(folder) => Ok(ensure_writable(folder)?),
            _ => Ok(()),
        }
    }

    fn is_folder(&self, output: &Path) -> bool {
        self.parts.len() > 1 || output.is_dir()
    }

    fn output_of(&self, part_name: &str) -> anyhow::Result<PathBuf> {
        let in_folder = |folder: &Path| folder.join(format!("{part_name}.skim"));
        match &self.output {
            None if self.parts == [Path::new("-")] => {
                bail!("standard input has no name: say where to write with -o FILE")
            }
            None => Ok(in_folder(Path::new(""))),
            Some(output) if self.is_folder(output) => Ok(in_folder(output)),
            Some(output) => Ok(output.clone()),
        }
    }
}
