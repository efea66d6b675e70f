//! `skimmer convert`.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::Metadata;
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Args;
use serde::Serialize;
use skimlog::stages::convert::{ConvertOptions, ConvertSummary, convert_part};
use skimlog::{amounts, stages};
use skimlog_runtime::files::{InputFiles, ensure_writable};
use skimlog_runtime::machine;
use skimlog_runtime::stream::{BlockSize, Content, LineBlocks, Origin, StreamError, content_of, part_name};

use super::output::path_text;
use super::running::run_single;
use super::{Common, Terminal, values};

/// Convert raw parts into the compact format.
///
/// Without PART: all parts of the configuration, into its working directory. `-` reads a part from standard input.
/// Parts packed with zstd, gzip or lzop are unpacked on the way, wherever they come from and whatever they are called.
#[derive(Args)]
#[command(after_help = "\
Examples:
  skimmer convert --config config.yaml
  skimmer convert part-00000.lzo -o part-00000.skim
  xz -dc part-00000.xz | \\
      skimmer convert - -o part-00000.skim")]
pub(super) struct Convert {
    /// Raw parts (24 or 20 fields a record), plain, .zst, .gz or .lzo; `-` for standard input.
    #[arg(value_name = "PART")]
    parts: Vec<PathBuf>,
    /// The .skim file to write, or, for several parts, the folder to write them to.
    #[arg(short, long, value_name = "FILE|DIR", requires = "parts")]
    output: Option<PathBuf>,
    /// Worker threads [default: as many as cores].
    #[arg(long, value_name = "N", requires = "parts", value_parser = values::threads(), allow_negative_numbers = true)]
    threads: Option<NonZeroUsize>,
    /// Number of token ids; a record with a larger one is malformed.
    #[arg(long, value_name = "N", requires = "parts", default_value_t = skimlog_formats::record::VOCABULARY,
        value_parser = values::whole::<u32>(1..=1 << 31), allow_negative_numbers = true)]
    vocabulary: u32,
    /// Without PART: convert even what is up to date.
    #[arg(long, conflicts_with = "parts")]
    force: bool,
}

/// A part and the file to make of it.
struct Conversion {
    part: PathBuf,
    output: PathBuf,
}

/// What became of a part.
#[derive(Serialize)]
struct Converted {
    #[serde(serialize_with = "path_text")]
    part: PathBuf,
    #[serde(serialize_with = "path_text")]
    output: PathBuf,
    #[serde(flatten)]
    summary: ConvertSummary,
    /// The file's size; a stream has none.
    bytes_written: Option<u64>,
}

impl Convert {
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<()> {
        if self.parts.is_empty() {
            return run_single(common, &common.load_config()?, &stages::Convert, self.force);
        }
        let threads = self.threads.unwrap_or_else(machine::threads);
        let terminal = common.terminal();
        self.keep_inputs()?;
        let conversions = self.conversions()?;
        if let Some(folder) = self.output.as_deref().filter(|output| self.is_folder(output)) {
            ensure_writable(folder)?;
        }
        let converted = conversions.into_iter().map(|conversion| self.convert(conversion, threads, &terminal));
        let converted = converted.collect::<Result<Vec<_>, _>>()?;
        common.summarize(&converted, || {
            let line = |one: &Converted| {
                let written = one.bytes_written.map_or_else(String::new, |bytes| amounts::bytes(bytes as f64) + " ");
                format!(
                    "{}: {}, {} of text, {written}written to {}",
                    one.part.display(),
                    amounts::counted(one.summary.records, "record", "records"),
                    amounts::bytes(one.summary.bytes_read as f64),
                    one.output.display()
                )
            };
            converted.iter().map(line).collect::<Vec<_>>().join("\n")
        })
    }

    /// What is to be made of each part. What can be found wrong with any of them is found before any work.
    fn conversions(&self) -> anyhow::Result<Vec<Conversion>> {
        let (mut inputs, mut outputs) = (HashMap::new(), HashMap::new());
        let mut conversions: Vec<Conversion> = Vec::new();
        for part in &self.parts {
            let is_input = part == Path::new("-");
            if !is_input && content_of(part)? == Content::Skim {
                return Err(StreamError::refusal(Origin::File(part), None, Content::Skim).into());
            }
            let output = self.output_of(part)?;
            let input = if is_input { part.clone() } else { part.canonicalize().unwrap_or_else(|_| part.clone()) };
            if let Some(first) = inputs.insert(input, conversions.len()) {
                let first = &conversions[first].part;
                if first == part {
                    bail!("{} is given twice: a part is converted once", part.display());
                }
                bail!("{} and {} are the same file: give it once", first.display(), part.display());
            }
            if let Some(first) = outputs.insert(real_path(&output), conversions.len()) {
                let first = &conversions[first].part;
                bail!(
                    "{} and {} would both become {}: convert them one by one, each with a name of its own (-o FILE)",
                    first.display(),
                    part.display(),
                    output.display()
                );
            }
            conversions.push(Conversion { part: part.clone(), output });
        }
        Ok(conversions)
    }

    fn convert(
        &self,
        Conversion { part, output }: Conversion,
        threads: NonZeroUsize,
        terminal: &Terminal,
    ) -> anyhow::Result<Converted> {
        let blocks = if part == Path::new("-") {
            LineBlocks::of_reader("standard input", io::stdin(), BlockSize::default())
        } else {
            LineBlocks::open(&part, BlockSize::default(), None)?
        };
        let options = ConvertOptions { vocabulary: self.vocabulary, ..ConvertOptions::default() };
        let summary = convert_part(blocks, options, threads, &output, terminal)?;
        let bytes_written = output.metadata().ok().filter(Metadata::is_file).map(|metadata| metadata.len());
        Ok(Converted { part, output, summary, bytes_written })
    }

    /// Whether this is the stage of a configuration, rather than parts of one's own.
    pub(super) fn runs_stage(&self) -> bool {
        self.parts.is_empty()
    }

    /// Refuses, before any work, outputs that are inputs.
    fn keep_inputs(&self) -> anyhow::Result<()> {
        let stdin = Path::new("/dev/stdin");
        let inputs = InputFiles::of(self.parts.iter().map(|part| if part == Path::new("-") { stdin } else { part }));
        self.parts.iter().try_for_each(|part| Ok(inputs.ensure_none_is(&self.output_of(part)?)?))
    }

    fn is_folder(&self, output: &Path) -> bool {
        self.parts.len() > 1 || output.is_dir()
    }

    fn output_of(&self, part: &Path) -> anyhow::Result<PathBuf> {
        let in_folder = |folder: &Path| {
            let file_name = part.file_name().unwrap_or(part.as_os_str());
            let mut name =
                if part == Path::new("-") { OsString::from("stdin") } else { part_name(file_name).to_owned() };
            name.push(".skim");
            folder.join(name)
        };
        match &self.output {
            None if part == Path::new("-") => bail!("standard input has no name: say where to write with -o FILE"),
            None => Ok(in_folder(Path::new(""))),
            Some(output) if self.is_folder(output) => Ok(in_folder(output)),
            Some(output) => Ok(output.clone()),
        }
    }
}

/// The path that a file has or will have, without links and detours.
fn real_path(path: &Path) -> PathBuf {
    let in_real_folder = || {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Some(folder.canonicalize().ok()?.join(path.file_name()?))
    };
    path.canonicalize().ok().or_else(in_real_folder).unwrap_or_else(|| path.to_owned())
}
