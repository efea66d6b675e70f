//! `skimmer man`.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, Command};
use clap_mangen::Man as Page;
use serde::Serialize;
use skimlog_runtime::files::write_file;

use super::Common;
use super::output::path_text;

/// Write the manual pages: skimmer.1, and one for each command.
#[derive(Args)]
#[command(after_help = "\
Examples:
  skimmer man ~/.local/share/man/man1
  skimmer man . && man ./skimmer-convert.1")]
pub(super) struct Man {
    /// The folder to write them to; made where it is missing.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// What was written.
#[derive(Serialize)]
struct Pages {
    #[serde(serialize_with = "path_text")]
    folder: PathBuf,
    pages: Vec<String>,
}

impl Man {
    /// `command`: the whole command line.
    pub(super) fn run(&self, common: &Common, command: Command) -> anyhow::Result<()> {
        let mut command = command.disable_help_subcommand(true);
        // Fills in what subcommands inherit.
        command.build();
        let mut pages = Vec::new();
        for (name, text) in
            std::iter::once(&command).chain(command.get_subcommands()).map(page).collect::<Result<Vec<_>, _>>()?
        {
            write_file(&self.folder.join(&name), |out| out.write_all(&text))?;
            pages.push(name);
        }
        let written = pages.len();
        common.summarize(&Pages { folder: self.folder.clone(), pages }, || {
            format!("wrote {written} pages to {}", self.folder.display())
        })
    }
}

/// A command's page and the name of its file.
fn page(command: &Command) -> io::Result<(String, Vec<u8>)> {
    let page = Page::new(command.clone());
    let mut text = Vec::new();
    page.render(&mut text)?;
    Ok((page.get_filename(), text))
}
