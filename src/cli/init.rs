//! `skimmer init`.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Args;
use serde::Serialize;
use skimlog::config::TEMPLATE;
use skimlog_runtime::files::write_file;

use super::Common;
use super::global::CONFIG;
use super::output::{path_text, print};

/// Write a configuration with every key, its default and what it does.
#[derive(Args)]
#[command(after_help = "\
Examples:
  skimmer init
  skimmer init experiments/wide.yaml
  skimmer init - | less")]
pub(super) struct Init {
    /// Where to write; `-` for standard output [default: config.yaml].
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Print it on standard output instead.
    #[arg(long, conflicts_with = "file")]
    stdout: bool,
    /// Overwrite a file that is there.
    #[arg(long)]
    force: bool,
}

#[derive(Serialize)]
struct InitSummary {
    #[serde(serialize_with = "path_text")]
    config: PathBuf,
}

impl Init {
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<()> {
        let path = self.file.as_deref().unwrap_or(Path::new(CONFIG));
        if self.stdout || path == Path::new("-") {
            return Ok(print(TEMPLATE)?);
        }
        if path.is_dir() {
            bail!(
                "{}: this is a folder: name the file to write, for example {}",
                path.display(),
                path.join(CONFIG).display()
            );
        }
        // Devices and pipes hold nothing that could be lost.
        if path.is_file() && !self.force {
            bail!("{}: is there already: name another file, or overwrite it with --force", path.display());
        }
        write_file(path, |out| out.write_all(TEMPLATE.as_bytes()))?;
        common.summarize(&InitSummary { config: path.to_owned() }, || {
            format!(
                "wrote {}: set recsys_data, validation_part and distilbert in it, then `skimmer run`",
                path.display()
            )
        })
    }
}
