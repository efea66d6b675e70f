//! The command line: one thin file a subcommand.

mod completions;
mod convert;
mod demo;
mod embed;
mod evaluate;
mod export;
mod failure;
mod finetune;
mod init;
mod inspect;
mod interrupt;
mod logging;
mod man;
mod output;
mod plan;
mod predict;
mod predicted;
mod report;
mod run;
mod running;
mod skim;
mod stages;
mod synth;
mod terminal;
mod usage;
mod values;

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{ArgAction, Args, Parser, Subcommand};
use serde::Serialize;
use skimlog::amounts;
use skimlog::config::{Config, Override};
use skimlog::machine;
use skimlog::workspace::AtomicFile;

use output::{nobody_reads, print_json, say, write_json};
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

Exit codes:
  0    done; also if whoever read the output had seen enough
  1    an error, told in one line on standard error
  2    a command line that makes no sense
  130  stopped with Ctrl-C; a second Ctrl-C does not wait

Environment:
  NO_COLOR          not empty: no colours; TERM=dumb: no bars either
  SKIMMER_LOG       what is logged, such as debug; else RUST_LOG
  ORT_DYLIB_PATH    the library of ONNX Runtime, for embed";

/// Heading of the options that every command has.
const GLOBAL: &str = "Global options";

/// The configuration file where no other is named.
const CONFIG: &str = "config.yaml";

/// Options of every command.
#[derive(Args, Clone)]
struct Common {
    /// The configuration file [default: config.yaml].
    #[arg(long, global = true, value_name = "FILE", help_heading = GLOBAL)]
    config: Option<PathBuf>,
    /// Set a key of the configuration, whatever the file says: a dotted name and a value as YAML has it, for example
    /// train.hidden_size=300.
    ///
    /// May be given several times. Where it sets working_dir and recsys_data, no file is needed.
    #[arg(long, global = true, value_name = "KEY=VALUE", help_heading = GLOBAL)]
    set: Vec<Override>,
    /// Print the summary as one JSON value.
    ///
    /// On standard output. Where standard output is the result itself (predict, and export without -o), on standard
    /// error, or in the file that --summary names. After an error there is none: the error is a line on standard
    /// error, and the exit code is not 0.
    #[arg(long, global = true, help_heading = GLOBAL)]
    json: bool,
    /// Say nothing on standard error but errors.
    #[arg(long, short, global = true, help_heading = GLOBAL)]
    quiet: bool,
    /// Say more: log lines with time and module; twice or three times for still more.
    #[arg(long, short, global = true, action = ArgAction::Count, help_heading = GLOBAL)]
    verbose: u8,
    /// Print help; -h prints a summary of it.
    #[arg(long, short, global = true, action = ArgAction::Help, help_heading = GLOBAL)]
    help: Option<bool>,
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
    Run(run::Run),
    Plan(plan::Plan),
    Predict(predict::Predict),
    Report(report::Report),
    Completions(completions::Completions),
    Man(man::Man),
}

impl Command {
    /// Whether the command itself says how many threads parallel loops have.
    fn runs_stages(&self) -> bool {
        match self {
            Self::Demo(_) | Self::Stage(_) | Self::Run(_) | Self::Plan(_) => true,
            Self::Convert(convert) => convert.runs_stage(),
            _ => false,
        }
    }
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
        Ok(Config::load_with(self.config_path(), &self.set)?)
    }

    /// The configuration file, which need not be there.
    fn config_path(&self) -> &Path {
        self.config.as_deref().unwrap_or(Path::new(CONFIG))
    }

    fn terminal(&self) -> Terminal {
        Terminal::new(self.quiet)
    }

    /// Tells what a command did: as JSON on standard output if asked for, else as text on standard error, unless quiet.
    fn summarize(&self, summary: &impl Serialize, text: impl FnOnce() -> String) -> anyhow::Result<()> {
        if self.json {
            print_json(summary)?;
        } else if !self.quiet {
            say(text());
        }
        Ok(())
    }

    /// [`Common::summarize`] for a command whose standard output is its result: the JSON goes to the file, if there is
    /// one, else to standard error if asked for.
    fn summarize_aside(
        &self,
        summary: &impl Serialize,
        file: Option<AtomicFile>,
        text: Option<&dyn Display>,
    ) -> anyhow::Result<()> {
        let on_standard_error = self.json && file.is_none();
        if let Some(file) = file {
            write_json(summary, file)?;
        }
        if on_standard_error {
            say(serde_json::to_string(summary)?);
        } else if let Some(text) = text.filter(|_| !self.quiet) {
            say(text);
        }
        Ok(())
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
        Command::Completions(completions) => completions.run(common),
        Command::Man(man) => man.run(common),
    }
}
