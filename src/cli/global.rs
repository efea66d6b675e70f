//! What every command has: the global options, the configuration, and where a summary goes.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use clap::{ArgAction, Args};
use serde::Serialize;
use skimlog::config::{Config, Override};
use skimlog_runtime::files::AtomicFile;

use super::output::{print_json, say, write_json};
use super::terminal::Terminal;

/// Heading of the options that every command has.
const GLOBAL: &str = "Global options";

/// The configuration file where no other is named.
pub(super) const CONFIG: &str = "config.yaml";

/// Options of every command.
#[derive(Args, Clone)]
pub(super) struct Common {
    /// The configuration file [default: config.yaml].
    #[arg(long, global = true, value_name = "FILE", help_heading = GLOBAL)]
    pub(super) config: Option<PathBuf>,
    /// Set a key of the configuration, whatever the file says: a dotted name and a value as YAML has it, for example
    /// train.hidden_size=300.
    ///
    /// May be given several times. Where it sets working_dir and recsys_data, no file is needed.
    #[arg(long, global = true, value_name = "KEY=VALUE", help_heading = GLOBAL)]
    pub(super) set: Vec<Override>,
    /// Print the summary as one JSON value.
    ///
    /// On standard output. Where standard output is the result itself (predict, and export without -o), on standard
    /// error, or in the file that --summary names. After an error there is none: the error is a line on standard
    /// error, and the exit code is not 0.
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub(super) json: bool,
    /// Say nothing on standard error but errors.
    #[arg(long, short, global = true, help_heading = GLOBAL)]
    pub(super) quiet: bool,
    /// Say more: log lines with time and module; twice or three times for still more.
    #[arg(long, short, global = true, action = ArgAction::Count, help_heading = GLOBAL)]
    pub(super) verbose: u8,
    /// Print help; -h prints a summary of it.
    #[arg(long, short, global = true, action = ArgAction::Help, help_heading = GLOBAL)]
    pub(super) help: Option<bool>,
}

impl Common {
    pub(super) fn load_config(&self) -> anyhow::Result<Config> {
        let sets = |key: &str| self.set.iter().any(|set| set.key() == key);
        let needs_file = self.config.is_some() || !sets("working_dir") || !sets("recsys_data");
        if needs_file { self.load_file() } else { self.load_if_there() }
    }

    /// The configuration of a command that needs none: the defaults hold where there is no file.
    pub(super) fn load_if_there(&self) -> anyhow::Result<Config> {
        if self.config.is_some() || Path::new(CONFIG).exists() {
            return self.load_file();
        }
        Ok(Config::from_overrides(&self.set)?)
    }

    fn load_file(&self) -> anyhow::Result<Config> {
        Ok(Config::load_with(self.config_path(), &self.set)?)
    }

    /// The configuration file, which need not be there.
    pub(super) fn config_path(&self) -> &Path {
        self.config.as_deref().unwrap_or(Path::new(CONFIG))
    }

    pub(super) fn terminal(&self) -> Terminal {
        Terminal::new(self.quiet)
    }

    /// Tells what a command did: as JSON on standard output if asked for, else as text on standard error, unless quiet.
    pub(super) fn summarize(&self, summary: &impl Serialize, text: impl FnOnce() -> String) -> anyhow::Result<()> {
        if self.json {
            print_json(summary)?;
        } else if !self.quiet {
            say(text());
        }
        Ok(())
    }

    /// [`Common::summarize`] for a command whose standard output is its result: the JSON goes to the file, if there is
    /// one, else to standard error if asked for.
    pub(super) fn summarize_aside(
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
