//! What the command writes to standard output and standard error, also when these are full or closed.

use std::fmt::{self, Display};
use std::io::{self, IsTerminal, Stdout, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;
use skimlog_runtime::files::AtomicFile;
use thiserror::Error;

/// Standard output. Its errors name it, so that they differ from those of any other file.
pub(super) struct StandardOutput(Stdout);

/// What standard output's errors hold.
#[derive(Debug, Error)]
#[error("standard output: {0}")]
struct StandardOutputError(#[source] io::Error);

/// Whether standard output was closed when the program was started.
static CLOSED: AtomicBool = AtomicBool::new(false);

/// Looks at standard output before Rust's start does, which opens /dev/null in its place: a result would vanish, and
/// the program say that all was well.
#[cfg(target_os = "linux")]
#[used]
#[unsafe(link_section = ".init_array")]
static LOOK: extern "C" fn() = {
    extern "C" fn look() {
        // SAFETY: asks for the flags of a number, whatever it stands for, and changes nothing.
        let flags = unsafe { libc::fcntl(libc::STDOUT_FILENO, libc::F_GETFD) };
        CLOSED.store(flags == -1, Ordering::Relaxed);
    }
    look
};

impl StandardOutput {
    /// The process's.
    ///
    /// # Errors
    /// If the program was started without one (`>&-`).
    pub(super) fn open() -> io::Result<Self> {
        if CLOSED.load(Ordering::Relaxed) {
            return Err(io::Error::other("standard output is closed: there is nowhere to write the result to"));
        }
        Ok(Self(io::stdout()))
    }

    /// Writes a result, all of it.
    pub(super) fn write_whole(mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)?;
        self.flush()
    }
}

fn named(error: io::Error) -> io::Error {
    match error.kind() {
        // Not a failure: whoever writes is to try again, and looks at nothing but the kind.
        io::ErrorKind::Interrupted => error,
        kind => io::Error::new(kind, StandardOutputError(error)),
    }
}

impl Write for StandardOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(named)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(named)
    }
}

/// Writes a text, all of it.
pub(super) fn print(text: impl Display) -> io::Result<()> {
    StandardOutput::open()?.write_whole(text.to_string().as_bytes())
}

/// Writes a value as JSON, indented, and a newline.
pub(super) fn print_json(value: &impl Serialize) -> io::Result<()> {
    let text = serde_json::to_string_pretty(value)?;
    print(format_args!("{text}\n"))
}

/// Writes a value as JSON into a file of its own.
pub(super) fn write_json(value: &impl Serialize, mut file: AtomicFile) -> anyhow::Result<()> {
    file.write_all(format!("{}\n", serde_json::to_string_pretty(value)?).as_bytes())?;
    Ok(file.commit()?)
}

/// Writes a line to standard error. Where that is gone there is nobody left to tell.
pub(super) fn say(line: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Whether the error is that whoever read our standard output has seen enough.
pub(super) fn nobody_reads(error: &anyhow::Error) -> bool {
    error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>()).any(|error| {
        error.kind() == io::ErrorKind::BrokenPipe
            && error.get_ref().is_some_and(|inner| inner.is::<StandardOutputError>())
    })
}

/// Whether lines on this stream may be redrawn: it is a terminal, and not one that only prints.
pub(super) fn can_redraw(stream: &impl IsTerminal) -> bool {
    let dumb = match std::env::var_os("TERM") {
        Some(name) => name.is_empty() || name == "dumb",
        // Elsewhere than on Unix, consoles have no such name.
        None => cfg!(unix),
    };
    stream.is_terminal() && !dumb
}

/// Whether text on this stream may be coloured: not where the user does not want it (<https://no-color.org>).
pub(super) fn can_colour(stream: &impl IsTerminal) -> bool {
    can_redraw(stream) && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// A path for JSON, which holds nothing but Unicode.
pub(super) fn path_text<S: serde::Serializer>(path: &std::path::Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&path.display())
}

/// Text that clap made, with or without its colours.
pub(super) struct Styled<'a> {
    /// The text.
    pub(super) text: &'a clap::builder::StyledStr,
    /// Whether to keep the colours.
    pub(super) coloured: bool,
}

impl Display for Styled<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.coloured { write!(f, "{}", self.text.ansi()) } else { write!(f, "{}", self.text) }
    }
}
