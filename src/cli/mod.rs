//! The command line: one thin file a subcommand.

mod convert;
mod demo;
mod embed;
mod export;
mod failure;
mod finetune;
mod inspect;
mod interrupt;
mod output;
mod plan;
mod predict;
mod report;
mod stages;
mod synth;
mod terminal;

use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use serde::Serialize;
use skimmer::config::Config;
use skimmer::machine;
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

impl Command {
    /// Whether the command itself says how many threads parallel loops have.
    fn runs_stages(&self) -> bool {
        match self {
            Self::Demo(_) | Self::Stage(_) | Self::Run(_) | Self::Plan(_) => true,
            Self::Convert(convert) => convert.runs_stage(),
            Self::Synth(_) | Self::Inspect(_) | Self::Export(_) | Self::Predict(_) | Self::Report(_) => false,
        }
    }
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
            let mut out = BufWriter::new(output::stdout()?);
            serde_json::to_writer_pretty(&mut out, summary).map_err(io::Error::from)?;
            writeln!(out)?;
            out.flush()?;
        } else if !self.quiet {
            // Where nobody is there to be told, nothing is.
            let _ = writeln!(io::stderr(), "{}", text());
        }
        Ok(())
    }
}

/// Runs the command line this process was started with.
pub(crate) fn main() -> ExitCode {
    failure::install_panic_hook();
    machine::raise_open_files();
    ignore_file_size_signal();
    let cli = Cli::parse();
    // ONNX Runtime's information is on its allocations.
    let level = if cli.common.quiet { "error" } else { "warn,skimmer=info" };
    tracing_subscriber::fmt()
        .with_writer(io::stderr)
        // Where standard error cannot be written to, nobody is there to be told.
        .log_internal_errors(false)
        .with_target(false)
        .with_ansi(io::stderr().is_terminal())
        .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level)))
        .init();
    let code = match run(&cli) {
        Ok(()) => {
            if machine::refused_threads() > 0 && !cli.common.quiet {
                failure::tell(&format!(
                    "the system refused {} threads (ulimit -u, ulimit -v, or the control group's pids.max); the others did \
                     their work",
                    machine::refused_threads()
                ));
            }
            ExitCode::SUCCESS
        }
        // Whoever read our output has seen enough.
        Err(error) if failure::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            failure::tell(&failure::sentence(&error));
            if interrupt::was_requested() { ExitCode::from(interrupt::EXIT_CODE as u8) } else { ExitCode::FAILURE }
        }
    };
    failure::unless_panicked(code)
}

/// Makes a file that grows beyond `ulimit -f` an error of the write, instead of the end of the program.
fn ignore_file_size_signal() {
    // SAFETY: sets what happens at a signal that nothing else here handles.
    #[cfg(unix)]
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
    }
}

fn run(cli: &Cli) -> anyhow::Result<()> {
    let common = &cli.common;
    if !cli.command.runs_stages() {
        // For libraries, which would otherwise start as many as there are processors, and panic where they cannot.
        machine::start_workers(1);
    }
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
