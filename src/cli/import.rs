//! `skimmer import`.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use anyhow::{Context, bail};
use clap::Args;
use skimlog::amounts;
use skimlog::config::ByteSize;
use skimlog::stages::convert::{ImportOptions, ImportOutput, ImportSummary, LogSource, Quarantine, import_logs};
use skimlog_formats::record::VOCABULARY;
use skimlog_import::guess::guess_log;
use skimlog_import::ids::dictionary_path;
use skimlog_import::importer::Importer;
use skimlog_import::log::LogFormat;
use skimlog_import::mapping::{Mapping, TimeFormat};
use skimlog_import::profile::{Profile, ProfileOptions};
use skimlog_runtime::files::{InputFiles, ensure_writable};
use skimlog_runtime::machine;

use super::output::{print, print_json};
use super::{Common, values};

/// Import logs of your own into the compact format.
///
/// A log has one row for each time that a reader was shown a post, with what the reader did. The mapping says where
/// each field of a record comes from: a few lines of YAML, which `--init` writes for you to correct. Ids of any type
/// become 128-bit ids; a dictionary beside the part (.ids) turns them back. docs/IMPORT.md describes it all.
#[derive(Args)]
#[command(after_help = "\
Examples:
  skimmer import --init feed.parquet > mapping.yaml
  skimmer import --dry-run feed.parquet -m mapping.yaml
  skimmer import feed.parquet -m mapping.yaml \\
      -o part-00000.skim
  skimmer import '2024-05-*.ndjson.gz' -m mapping.yaml \\
      -o part-00000.skim
  skimmer import feed.csv -m mapping.yaml \\
      -o training/part-00000.skim --split-time 2024-06-01 \\
      --validation validation.skim
  zcat feed.ndjson.gz | \\
      skimmer import - -m mapping.yaml -o part-00000.skim")]
pub(super) struct Import {
    /// Logs in Parquet, CSV, TSV, NDJSON or Arrow, plain, .gz, .zst or .lzo, or patterns (*); `-` for standard input.
    #[arg(value_name = "LOG", required = true)]
    logs: Vec<PathBuf>,
    /// Where each field of a record comes from.
    #[arg(short, long, value_name = "FILE", required_unless_present = "init", conflicts_with = "init")]
    mapping: Option<PathBuf>,
    /// The .skim file to write, of all logs together.
    #[arg(short, long, value_name = "FILE", required_unless_present_any = ["init", "dry_run"],
        conflicts_with_all = ["init", "dry_run"])]
    output: Option<PathBuf>,
    /// Write a mapping, guessed from the names and values of the first log's columns, to standard output.
    #[arg(long)]
    init: bool,
    /// Write nothing; show ten records as they would be read, and what is in each column.
    #[arg(long)]
    dry_run: bool,
    /// With --dry-run: look at so many rows of each log [default: all].
    #[arg(long, value_name = "N", requires = "dry_run", value_parser = values::whole::<u64>(1..=u64::MAX),
        allow_negative_numbers = true)]
    rows: Option<u64>,
    /// Records from this time on go to the file of --validation: ISO 8601 (UTC) or unix seconds.
    #[arg(long, value_name = "TIME", requires = "validation", value_parser = time)]
    split_time: Option<i64>,
    /// The .skim file for records from --split-time on.
    #[arg(long, value_name = "FILE", requires = "split_time")]
    validation: Option<PathBuf>,
    /// Read rows to predict or to export: leave out the mapping's reactions.
    #[arg(long)]
    without_reactions: bool,
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
    #[arg(long, value_name = "SIZE", default_value = "64MiB")]
    memory_budget: ByteSize,
    /// Number of token ids; a record with a larger one is malformed.
    #[arg(long, value_name = "N", default_value_t = VOCABULARY,
        value_parser = values::whole::<u32>(1..=1 << 31), allow_negative_numbers = true)]
    vocabulary: u32,
}

impl Import {
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<()> {
        let logs = self.logs()?;
        if self.init {
            let [LogSource::File(log)] = &logs[..] else {
                bail!("a mapping is guessed from one log in a file: give its path alone");
            };
            return Ok(print(format_args!("{}", guess_log(log, self.format)?))?);
        }
        let mapping = self.mapping.as_deref().unwrap_or(Path::new(""));
        let mut mapping = Mapping::read(mapping)?;
        if self.without_reactions {
            mapping = mapping.without_reactions();
        }
        let importer = Importer::new(mapping, self.vocabulary)?;
        let Some(output) = &self.output else { return self.profile(common, &logs, &importer) };
        self.keep_inputs(&logs, &importer, output)?;
        let quarantine = self.quarantine.as_ref().map(|directory| Quarantine {
            directory: directory.clone(),
            name: output.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
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
            output: self.parts(output)?,
        };
        let summary = import_logs(&options, &common.terminal())?;
        common.summarize(&summary, || told(&summary))
    }

    /// What is written: one part, or two.
    fn parts(&self, output: &Path) -> anyhow::Result<ImportOutput> {
        Ok(match (self.split_time, &self.validation) {
            (Some(_), Some(validation)) if validation == output => {
                bail!("{} cannot be both parts: give --validation a name of its own", validation.display())
            }
            (Some(at), Some(validation)) => {
                ImportOutput::Split { at, training: output.to_owned(), validation: validation.clone() }
            }
            _ => ImportOutput::Part(output.to_owned()),
        })
    }

    /// Shows what the logs hold.
    fn profile(&self, common: &Common, logs: &[LogSource], importer: &Importer) -> anyhow::Result<()> {
        let now = UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs() as i64);
        let threads = self.threads.unwrap_or_else(machine::threads);
        let mut profiles = Vec::new();
        for log in logs {
            let (_, _, blocks, shape) = log.open(importer, self.format, None)?;
            profiles.push(Profile::of(importer, blocks, &shape, ProfileOptions { rows: self.rows, threads, now })?);
        }
        match common.json {
            true => print_json(&profiles),
            false => profiles.iter().try_for_each(|profile| print(format_args!("{profile}\n"))),
        }?;
        Ok(())
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
    fn keep_inputs(&self, logs: &[LogSource], importer: &Importer, output: &Path) -> anyhow::Result<()> {
        let stdin = Path::new("/dev/stdin");
        let paths = logs.iter().map(|log| match log {
            LogSource::File(path) => path.as_path(),
            LogSource::Stdin => stdin,
        });
        let tokenizer = importer.mapping().tokenizer.as_ref().map(|options| options.file.as_path());
        let inputs = InputFiles::of(paths.chain(self.mapping.as_deref()).chain(tokenizer));
        let outputs = std::iter::once(output).chain(self.validation.as_deref());
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
