//! Errors in the command line, and help.

use std::io;
use std::process::ExitCode;

use clap::error::ErrorKind;
use thiserror::Error;

use super::output::{Styled, can_colour, print, say};

/// What a program ends with that cannot make sense of its arguments.
pub(super) const EXIT_CODE: u8 = 2;

/// Arguments that do not go together.
#[derive(Debug, Error)]
#[error("{0}")]
pub(super) struct UsageError(pub(super) String);

/// Shows what clap has to say in place of a command line that can be run: help, the version, or what is wrong.
pub(super) fn answer(said: &clap::Error) -> io::Result<ExitCode> {
    let text = &said.render();
    if !said.use_stderr() {
        print(Styled { text, coloured: can_colour(&io::stdout()) })?;
        return Ok(ExitCode::SUCCESS);
    }
    let styled = Styled { text, coloured: can_colour(&io::stderr()) }.to_string();
    say(styled.trim_end());
    if said.kind() == ErrorKind::UnknownArgument {
        say("A file whose name begins with '-' is written ./-name.");
    }
    Ok(ExitCode::from(EXIT_CODE))
}
