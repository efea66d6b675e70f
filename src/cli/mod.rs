//! The command line: one thin file a subcommand.

mod convert;
mod demo;
mod embed;
mod export;
mod finetune;
mod init;
mod inspect;
mod interrupt;
mod plan;
mod predict;
mod report;
mod stages;
mod synth;
mod terminal;

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use serde::Serialize;
use skimmer::config::{Config, Override};
use tracing_subscriber::EnvFilter;

use terminal::Terminal;

/// Streaming feature extraction, learning and prediction for tweet-engagement records larger than memory.
#[derive(Parser)]
#[command(name = "skimmer", version, term_width = 100, after_help = AFTER_HELP)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Examples:
  skimmer demo                                          everything on synthetic records, in a few minutes
  skimmer init                                          a config.yaml with every key explained
  skimmer run --config config.yaml                      raw parts to a trained, measured model
  skimmer predict --model model < test.tsv > predictions.csv
  skimmer convert part-00000 -o part-00000.skim         one raw part into the compact format";

/// The configuration file where no other is named.
const CONFIG: &str = "config.yaml";

/// Options of every command.
#[derive(Args)]
struct Common {
    /// The configuration file [default: config.yaml].
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Set a key of the configuration, whatever the file says: a dotted name and a value as YAML has it, for example
    /// train.hidden_size=300. May be given several times. Where it sets working_dir and recsys_data, no file is needed.
    #[arg(long, global = true, value_name = "KEY=VALUE")]
    set: Vec<Override>,
    /// Print a machine-readable summary on standard output (where standard output is not the result).
    #[arg(long, global = true)]
    json: bool,
    /// Say nothing on standard error but errors.
    #[arg(long, short, global = true)]
    quiet: bool,
}

#[derive(Subcommand)]
enum Command {
    Demo(demo::Demo),
    Synth(synth::Synth),
    Init(init::Init),
    Convert(convert::Convert),
    Inspect(inspect::Inspect),
    Export(export::Export),
    #[command(flatten)]
    Stage(stages::StageCommand),
    Run(stages::Run),
    Plan(plan::Plan),
    Predict(predict::Predict),
    Report(report::Report),
}

impl Common {
    fn load_config(&self) -> anyhow::Result<Config> {
        let sets = |key: &str| self.set.iter().any(|set| set.key() == key);
        let needs_file = self.config.is_some() || !sets("working_dir") || !sets("recsys_data");
        if needs_file { self.load_file() } else { self.load_if_there() }
    }

    /// The configuration of a command that needs none: the defaults hold where there is no file.
    fn load_if_there(&self) -> anyhow::Result<Config> {
        if self.config.is_some() || Path::new(CONFIG).exists() {
            return self.load_file();
        }
        Ok(Config::from_overrides(&self.set)?)
    }

    fn load_file(&self) -> anyhow::Result<Config> {
        Ok(Config::load_with(self.config.as_deref().unwrap_or(Path::new(CONFIG)), &self.set)?)
    }

    fn terminal(&self) -> Terminal {
        Terminal::new(self.quiet)
    }

    /// Prints a summary: as JSON on standard output if asked for, else the text, unless quiet, on standard error.
    fn summarize(&self, summary: &impl Serialize, text: impl FnOnce() -> String) -> anyhow::Result<()> {
        if self.json {
            let mut out = io::stdout().lock();
            serde_json::to_writer_pretty(&mut out, summary).map_err(io::Error::from)?;
            writeln!(out)?;
        } else if !self.quiet {
            eprintln!("{}", text());
        }
        Ok(())
    }
}

/// Runs the command line this process was started with.
pub(crate) fn main() -> ExitCode {
    let cli = Cli::parse();
    // ONNX Runtime's information is on its allocations.
    let level = if cli.common.quiet { "error" } else { "warn,skimmer=info" };
    tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_target(false)
        .with_ansi(io::stderr().is_terminal())
        .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level)))
        .init();
    match run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read our output has seen enough.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("skimmer: {}", sentence(&error));
            if interrupt::was_requested() { ExitCode::from(interrupt::EXIT_CODE as u8) } else { ExitCode::FAILURE }
        }
    }
}

fn run(cli: &Cli) -> anyhow::Result<()> {
    let common = &cli.common;
    match &cli.command {
        Command::Demo(demo) => demo.run(common),
        Command::Synth(synth) => synth.run(common),
        Command::Init(init) => init.run(common),
        Command::Convert(convert) => convert.run(common),
        Command::Inspect(inspect) => inspect.run(common),
        Command::Export(export) => export.run(common),
        Command::Stage(stage) => stage.run(common),
        Command::Run(run) => run.run(common),
        Command::Plan(plan) => plan.run(common),
        Command::Predict(predict) => predict.run(common),
        Command::Report(report) => report.run(common),
    }
}

/// The error with its causes, but for causes that its message quotes already.
fn sentence(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |sentence, cause| {
        if sentence.is_empty() {
            cause
        } else if sentence.contains(&cause) {
            sentence
        } else {
            format!("{sentence}: {cause}")
        }
    })
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .any(|cause| cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe))
}

/// Sizes the pool of worker threads that the stages share.
fn set_threads(threads: usize) -> anyhow::Result<()> {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().context("cannot start the worker threads")
}
