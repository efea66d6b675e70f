//! `skimmer completions`.

use clap::{Args, Command};
use clap_complete::{Shell, generate};

use super::Common;
use super::output::StandardOutput;
use super::usage::UsageError;

/// Print a script that makes a shell complete commands and options.
#[derive(Args)]
#[command(after_help = "\
Examples:
  skimmer completions bash > \\
      ~/.local/share/bash-completion/completions/skimmer
  skimmer completions zsh > ~/.zfunc/_skimmer
  skimmer completions fish > \\
      ~/.config/fish/completions/skimmer.fish")]
pub(super) struct Completions {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    /// `command`: the whole command line.
    pub(super) fn run(&self, common: &Common, mut command: Command) -> anyhow::Result<()> {
        if common.json {
            return Err(
                UsageError("completions prints a script, which has no JSON form: leave --json out".into()).into()
            );
        }
        // The generator panics where it cannot write, and a vector takes everything.
        let mut script = Vec::new();
        generate(self.shell, &mut command, "skimmer", &mut script);
        Ok(StandardOutput::open()?.write_whole(&script)?)
    }
}
