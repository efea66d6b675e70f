//! Standard output, where results go.

use std::fmt::Display;
use std::io::{self, Stdout, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::bail;

/// Whether standard output was closed when the program was started.
static CLOSED: AtomicBool = AtomicBool::new(false);

/// Looks at standard output before Rust's start does, which opens /dev/null in its place: a result would vanish, and the
/// program say that all was well.
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

/// Standard output for a result; its errors say so.
pub(super) struct ResultOutput(Stdout);

/// Standard output for a result.
///
/// # Errors
/// If the program was started without one (`>&-`).
pub(super) fn stdout() -> anyhow::Result<ResultOutput> {
    if CLOSED.load(Ordering::Relaxed) {
        bail!("standard output is closed: there is nowhere to write the result to");
    }
    Ok(ResultOutput(io::stdout()))
}

impl Write for ResultOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(named)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(named)
    }
}

fn named(error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("standard output: {error}"))
}

/// Prints a result, as it is.
///
/// # Errors
/// As [`stdout`], and what the system says.
pub(super) fn print(text: impl Display) -> anyhow::Result<()> {
    let mut out = stdout()?;
    write!(out, "{text}")?;
    Ok(out.flush()?)
}
