//! The command line: one thin file a subcommand.

mod convert;
mod demo;
mod embed;
mod export;
mod finetune;
mod inspect;
mod interrupt;
mod plan;
mod predict;
mod report;
mod stages;
mod synth;
mod terminal;

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use serde::Serialize;
use skimmer::config::Config;
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
  skimmer run --config config.yaml                      raw parts to a trained, measured model
  skimmer predict --model model < test.tsv > predictions.csv
  skimmer convert part-00000 -o part-00000.skim         one raw part into the compact format";

/// Options of every command.
#[derive(Args)]
struct Common {
    /// The configuration file.
    #[arg(long, global = true, value_name = "FILE", default_value = "config.yaml")]
    config: PathBuf,
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
        Ok(Config::load(&self.config)?)
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

