//! `skimmer import`.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use skimlog::amounts;
use skimlog::config::ByteSize;
use skimlog::stages::convert::{ImportOptions, ImportOutput, ImportSummary, LogSource, Quarantine, import_logs};
use skimlog_formats::record::VOCABULARY;
use skimlog_import::ids::dictionary_path;
use skimlog_import::importer::Importer;
use skimlog_import::log::LogFormat;
use skimlog_import::mapping::{Mapping, TimeFormat};
use skimlog_runtime::files::{InputFiles, ensure_writable};
use skimlog_runtime::machine;

use super::{Common, values};

/// Import logs of your own into the compact format.
///
/// A log has one row for each time that a reader was shown a post, with what the reader did. The mapping says where
/// each field of a record comes from: a few lines of YAML, which `--init` writes for you to correct. Ids of any type
/// become 128-bit ids; a dictionary beside the part (.ids) turns them back. docs/IMPORT.md describes it all.
#[derive(Args)]
#[command(after_help = "\
Examples:
  skimmer import feed.parquet --mapping mapping.yaml -o part-00000.skim
  skimmer import '2024-05-*.ndjson.gz' --mapping mapping.yaml -o part-00000.skim
  skimmer import feed.csv --mapping mapping.yaml \\
      -o training/part-00000.skim --split-time 2024-06-01 --validation validation.skim
  zcat feed.ndjson.gz | skimmer import - --mapping mapping.yaml -o part-00000.skim")]
pub(super) struct Import {
    /// Logs in Parquet, CSV, TSV, NDJSON or Arrow, plain, .gz, .zst or .lzo, or patterns (*); `-` for standard input.
    #[arg(value_name = "LOG", required = true)]
    logs: Vec<PathBuf>,
    /// Where each field of a record comes from.
    #[arg(short, long, value_name = "FILE")]
    mapping: PathBuf,
    /// The .skim file to write, of all logs together.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Records from this time on go to the file of --validation: ISO 8601 (UTC) or unix seconds.
    #[arg(long, value_name = "TIME", requires = "validation", value_parser = time)]
    split_time: Option<i64>,
    /// The .skim file for records from --split-time on.
    #[arg(long, value_name = "FILE", requires = "split_time")]
    validation: Option<PathBuf>,
    /// Format of the logs [default: what the name or the first bytes say].
    #[arg(long, value_name = "FORMAT", value_parser = values::log_format())]
    format: Option<LogFormat>,
    /// Put rows that are no records there, with the reasons, and continue [default: stop at the first].
    #[arg(long, value_name = "DIR")]
    quarantine: Option<PathBuf>,
    /// With --quarantine: stop after so many.
    #[arg(long, value_name = "N", default_value_t = 1000, requires = "quarantine",
        value_parser = values::whole::<u64>(0..=u64::MAX), allow_negative_numbers = true)]
    max_bad_records: u64,
    /// Worker threads [default: as many as cores].
    #[arg(long, value_name = "N", value_parser = values::threads(), allow_negative_numbers = true)]
    threads: Option<NonZeroUsize>,
    /// Memory that the dictionary of ids may take before it goes to disk.
    #[arg(long, value_name = "SIZE", default_value = "128MiB")]
    memory_budget: ByteSize,
    /// Number of token ids; a record with a larger one is malformed.
    #[arg(long, value_name = "N", default_value_t = VOCABULARY,
        value_parser = values::whole::<u32>(1..=1 << 31), allow_negative_numbers = true)]
    vocabulary: u32,
}

impl Import {
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<()> {
        let importer = Importer::new(Mapping::read(&self.mapping)?, self.vocabulary)?;
        let logs = self.logs()?;
        let output = match (self.split_time, &self.validation) {
            (Some(at), Some(validation)) => {
                if *validation == self.output {
                    bail!("{} cannot be both parts: give --validation a name of its own", validation.display());
                }
                ImportOutput::Split { at, training: self.output.clone(), validation: validation.clone() }
            }
            _ => ImportOutput::Part(self.output.clone()),
        };
        self.keep_inputs(&logs, &importer)?;
        let quarantine = self.quarantine.as_ref().map(|directory| Quarantine {
            directory: directory.clone(),
            name: self.output.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
            ending: "ndjson",
            most: self.max_bad_records,
        });
        let options = ImportOptions {
            importer,
            logs,
            format: self.format,
            threads: self.threads.unwrap_or_else(machine::threads),
            memory: self.memory_budget.0,
            quarantine,
            output,
        };
        let summary = import_logs(&options, &common.terminal())?;
        Ok(common.summarize(&summary, || told(&summary))?)
    }

    /// The logs, patterns replaced by the files that they match, in the order of their names.
    fn logs(&self) -> anyhow::Result<Vec<LogSource>> {
        let mut logs = Vec::new();
        for log in &self.logs {
            if log == Path::new("-") {
                logs.push(LogSource::Stdin);
            } else if log.exists() || !is_pattern(log) {
                logs.push(LogSource::File(log.clone()));
            } else {
                let pattern = log.to_string_lossy();
                let paths = glob::glob(&pattern).with_context(|| format!("`{pattern}` is no pattern"))?;
                let before = logs.len();
                for path in paths {
                    logs.push(LogSource::File(path?));
                }
                if logs.len() == before {
                    bail!("no file matches {pattern}");
                }
            }
        }
        for (index, log) in logs.iter().enumerate() {
            if logs[..index].contains(log) {
                match log {
                    LogSource::Stdin => bail!("- is given twice: standard input is read once"),
                    LogSource::File(path) => bail!("{} is given twice: give it once", path.display()),
                }
            }
        }
        Ok(logs)
    }

    /// Refuses, before any work, outputs that are inputs or cannot be written.
    fn keep_inputs(&self, logs: &[LogSource], importer: &Importer) -> anyhow::Result<()> {
        let stdin = Path::new("/dev/stdin");
        let paths = logs.iter().map(|log| match log {
            LogSource::File(path) => path.as_path(),
            LogSource::Stdin => stdin,
        });
        let tokenizer = importer.mapping().tokenizer.as_ref().map(|options| options.file.as_path());
        let inputs = InputFiles::of(paths.chain([self.mapping.as_path()]).chain(tokenizer));
        let outputs = std::iter::once(&self.output).chain(&self.validation);
        for output in outputs {
            inputs.ensure_none_is(output)?;
            if importer.mapping().keep_ids {
                inputs.ensure_none_is(&dictionary_path(output))?;
            }
        }
        self.quarantine.iter().try_for_each(|directory| Ok(ensure_writable(directory)?))
    }
}

fn told(ImportSummary { read, parts }: &ImportSummary) -> String {
    let mut lines: Vec<String> = parts
        .iter()
        .map(|(path, records)| {
            let size = path.metadata().ok().filter(std::fs::Metadata::is_file);
            let size = size.map_or_else(String::new, |size| amounts::bytes(size.len() as f64) + ", ");
            format!("{}: {size}{}", path.display(), amounts::counted(*records, "record", "records"))
        })
        .collect();
    if let (Some(ids), Some((path, _))) = (read.ids, parts.first()) {
        let path = dictionary_path(path);
        lines.push(format!("{}: {}", path.display(), amounts::counted(ids, "own id", "own ids")));
    }
    if read.rejected > 0 {
        lines.push(format!("{} put into quarantine", amounts::counted(read.rejected, "row", "rows")));
    }
    lines.join("\n")
}

fn is_pattern(path: &Path) -> bool {
    path.to_string_lossy().contains(['*', '?', '['])
}

fn time(text: &str) -> Result<i64, String> {
    let format = TimeFormat { unit: None, zone: "UTC".parse().ok() };
    format.of_text(text)
}
