//! Input that knows whether more of it is ready without waiting.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};

use skimlog_runtime::stream::{Content, Origin};

/// Input that knows its name, and whether more of it is there at the moment.
pub trait Input: Read + Send {
    /// What it is called in errors: the path of a file, or a name of something else.
    fn origin(&self) -> Origin<'_>;

    /// Whether reading would give something, or the end, without waiting.
    fn ready(&mut self) -> bool;
}

/// Name of bytes in memory.
const IN_MEMORY: &str = "records in memory";

/// All of it is there.
impl Input for &[u8] {
    fn origin(&self) -> Origin<'_> {
        Origin::Pipe(Path::new(IN_MEMORY))
    }

    fn ready(&mut self) -> bool {
        true
    }
}

/// All of it is there.
impl Input for Cursor<Vec<u8>> {
    fn origin(&self) -> Origin<'_> {
        Origin::Pipe(Path::new(IN_MEMORY))
    }

    fn ready(&mut self) -> bool {
        true
    }
}

/// A file, pipe, socket or terminal.
#[derive(Debug)]
pub struct PipeInput {
    file: File,
    name: PathBuf,
    /// Whether the name is a file's path.
    is_path: bool,
}

/// Name of standard input.
const STANDARD_INPUT: &str = "standard input";

impl PipeInput {
    /// Opens a file, or a named pipe.
    ///
    /// # Errors
    /// What the system says if it cannot be opened.
    pub fn open(path: impl Into<PathBuf>) -> io::Result<Self> {
        let name = path.into();
        Ok(Self { file: File::open(&name)?, name, is_path: true })
    }

    /// An open pipe, socket or terminal, by this name in errors.
    pub fn named(file: File, name: impl Into<PathBuf>) -> Self {
        Self { file, name: name.into(), is_path: false }
    }

    /// Standard input. Nothing else may read from it.
    ///
    /// # Errors
    /// What the system says if standard input is closed.
    #[cfg(unix)]
    pub fn standard() -> io::Result<Self> {
        use std::os::fd::AsFd;
        Ok(Self::named(io::stdin().as_fd().try_clone_to_owned()?.into(), STANDARD_INPUT))
    }

    /// Standard input. Nothing else may read from it.
    ///
    /// # Errors
    /// What the system says if standard input is closed.
    #[cfg(windows)]
    pub fn standard() -> io::Result<Self> {
        use std::os::windows::io::AsHandle;
        Ok(Self::named(io::stdin().as_handle().try_clone_to_owned()?.into(), STANDARD_INPUT))
    }
}

impl Read for PipeInput {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer)
    }
}

impl Input for PipeInput {
    fn origin(&self) -> Origin<'_> {
        if self.is_path { Origin::File(&self.name) } else { Origin::Pipe(&self.name) }
    }

    #[cfg(unix)]
    fn ready(&mut self) -> bool {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let mut descriptors = [PollFd::new(&self.file, PollFlags::IN)];
        // An error will be met again when reading.
        poll(&mut descriptors, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
    }

    #[cfg(not(unix))]
    fn ready(&mut self) -> bool {
        false
    }
}

/// Input that notes when a batch's first bytes arrived and how long reading waited, and keeps the first bytes of all.
#[derive(Debug)]
pub(super) struct Watched<I> {
    input: I,
    head: Option<Vec<u8>>,
    pub(super) first_read: Option<std::time::Instant>,
    pub(super) waited: std::time::Duration,
}

impl<I> Watched<I> {
    pub(super) fn new(input: I) -> Self {
        Self { input, head: None, first_read: None, waited: std::time::Duration::ZERO }
    }

    /// The first bytes, as many as are needed to recognise what the input is.
    pub(super) fn head(&self) -> &[u8] {
        self.head.as_deref().unwrap_or_default()
    }
}

impl<I: Read> Read for Watched<I> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let begun = std::time::Instant::now();
        let outcome = self.input.read(buffer);
        let now = std::time::Instant::now();
        self.first_read.get_or_insert(now);
        self.waited += now - begun;
        if self.head.is_none()
            && let Ok(read) = outcome
        {
            self.head = Some(buffer[..read.min(Content::HEAD)].to_vec());
        }
        outcome
    }
}

impl<I: Input> Input for Watched<I> {
    fn origin(&self) -> Origin<'_> {
        self.input.origin()
    }

    fn ready(&mut self) -> bool {
        self.input.ready()
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::Write;
    use std::os::fd::OwnedFd;

    use super::*;

    #[test]
    fn a_pipe_is_ready_when_something_is_in_it_or_it_is_closed() {
        let (read, mut write) = io::pipe().unwrap();
        let mut input = PipeInput::named(OwnedFd::from(read).into(), "a pipe");
        assert!(!input.ready());
        write.write_all(b"abc").unwrap();
        assert!(input.ready());
        let mut buffer = [0; 8];
        assert_eq!(input.read(&mut buffer).unwrap(), 3);
        assert!(!input.ready());
        drop(write);
        assert!(input.ready());
        assert_eq!(input.read(&mut buffer).unwrap(), 0);
    }
}
