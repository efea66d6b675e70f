//! The command line: one thin file a subcommand.

mod completions;
mod convert;
#[cfg(feature = "demo")]
mod demo;
mod embed;
mod evaluate;
mod export;
mod export_features;
mod failure;
mod finetune;
mod global;
mod import;
mod init;
mod inspect;
mod interrupt;
mod logging;
mod man;
mod output;
mod own_ids;
mod plan;
mod predict;
mod predict_log;
mod predicted;
mod refresh;
mod report;
mod run;
mod running;
mod skim;
mod stages;
#[cfg(feature = "demo")]
mod synth;
mod terminal;
mod usage;
mod values;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use skimlog::amounts;
use skimlog_runtime::machine;

use global::Common;
use output::nobody_reads;
use terminal::Terminal;
use usage::UsageError;

/// Streaming feature extraction, learning and prediction for tweet-engagement records larger than memory.
#[derive(Parser)]
#[command(name = "skimmer", version, max_term_width = 100, disable_help_flag = true, after_help = AFTER_HELP)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Examples:
  skimmer demo
      everything on synthetic records, in a few minutes
  skimmer init
      a config.yaml with every key explained
  skimmer run --config config.yaml
      raw parts to a trained, measured model
  skimmer predict --model model < test.tsv > predictions.csv
      a line of probabilities for each record
  skimmer convert part-00000 -o part-00000.skim
      one raw part into the compact format
  skimmer import feed.parquet -m mapping.yaml -o part-00000.skim
      a log of your own into the compact format

Exit codes:
  0    done; also if whoever read the output had seen enough
  1    an error, in one line on standard error
  2    a command line that makes no sense
  130  stopped with Ctrl-C; a second Ctrl-C does not wait

Environment:
  NO_COLOR          not empty: no colours; TERM=dumb: no bars either
  SKIMMER_LOG       what is logged, such as debug; else RUST_LOG
  ORT_DYLIB_PATH    the library of ONNX Runtime, for embed";

#[derive(Subcommand)]
enum Command {
    #[cfg(feature = "demo")]
    Demo(demo::Demo),
    #[cfg(feature = "demo")]
    Synth(synth::Synth),
    Init(init::Init),
    Convert(convert::Convert),
    Import(import::Import),
    Inspect(inspect::Inspect),
    Export(export::Export),
    ExportFeatures(export_features::ExportFeatures),
    #[command(flatten)]
    Stage(stages::StageCommand),
    Run(run::Run),
    Plan(plan::Plan),
    Predict(predict::Predict),
    Refresh(refresh::Refresh),
    Report(report::Report),
    Completions(completions::Completions),
    Man(man::Man),
}

impl Command {
    /// Whether the command itself says how many threads parallel loops have.
    fn runs_stages(&self) -> bool {
        match self {
            #[cfg(feature = "demo")]
            Self::Demo(_) => true,
            Self::Stage(_) | Self::Run(_) | Self::Plan(_) | Self::Refresh(_) => true,
            Self::Convert(convert) => convert.runs_stage(),
            _ => false,
        }
    }
}

/// Runs the command line this process was started with.
pub(crate) fn main() -> ExitCode {
    failure::install_panic_hook();
    machine::raise_open_files();
    ignore_file_size_signal();
    let outcome = match Cli::try_parse() {
        Ok(cli) => {
            logging::start(cli.common.verbose, cli.common.quiet);
            run(&cli).map(|()| {
                tell_refused_threads(&cli.common);
                ExitCode::SUCCESS
            })
        }
        Err(said) => usage::answer(&said).map_err(Into::into),
    };
    failure::unless_panicked(outcome.unwrap_or_else(|error| exit_code_of(&error)))
}

/// Says what went wrong.
fn exit_code_of(error: &anyhow::Error) -> ExitCode {
    terminal::clear_bars();
    if nobody_reads(error) {
        return ExitCode::SUCCESS;
    }
    failure::tell(&failure::sentence(error));
    if interrupt::was_requested() {
        ExitCode::from(interrupt::EXIT_CODE as u8)
    } else if error.is::<UsageError>() {
        ExitCode::from(usage::EXIT_CODE)
    } else {
        ExitCode::FAILURE
    }
}

fn tell_refused_threads(common: &Common) {
    let refused = machine::refused_threads();
    if refused > 0 && !common.quiet {
        failure::tell(&format!(
            "the system refused {} (ulimit -u, ulimit -v, or the control group's pids.max); the others did their work",
            amounts::counted(refused as u64, "thread", "threads")
        ));
    }
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
        #[cfg(feature = "demo")]
        Command::Demo(demo) => demo.run(common),
        #[cfg(feature = "demo")]
        Command::Synth(synth) => synth.run(common),
        Command::Init(init) => init.run(common),
        Command::Convert(convert) => convert.run(common),
        Command::Import(import) => import.run(common),
        Command::Inspect(inspect) => inspect.run(common),
        Command::Export(export) => export.run(common),
        Command::ExportFeatures(export) => export.run(common),
        Command::Stage(stage) => stage.run(common),
        Command::Run(run) => run.run(common),
        Command::Plan(plan) => plan.run(common),
        Command::Predict(predict) => predict.run(common),
        Command::Refresh(refresh) => refresh.run(common),
        Command::Report(report) => report.run(common),
        Command::Completions(completions) => completions.run(common, Cli::command()),
        Command::Man(man) => man.run(common, Cli::command()),
    }
}
