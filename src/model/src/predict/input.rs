//! Input that knows whether more of it is ready without waiting.

use std::fs::File;
use std::io::{self, Cursor, Read};

use skimlog_runtime::stream::Content;

/// Input that knows whether there is more of it at the moment.
pub trait Input: Read + Send {
    /// Whether reading would give something, or the end, without waiting.
    fn ready(&mut self) -> bool;
}

/// All of it is there.
impl Input for &[u8] {
    fn ready(&mut self) -> bool {
        true
    }
}

/// All of it is there.
impl Input for Cursor<Vec<u8>> {
    fn ready(&mut self) -> bool {
        true
    }
}

/// A file, pipe, socket or terminal.
#[derive(Debug)]
pub struct PipeInput(File);

impl PipeInput {
    /// Standard input. Nothing else may read from it.
    ///
    /// # Errors
    /// What the system says if standard input is closed.
    #[cfg(unix)]
    pub fn standard() -> io::Result<Self> {
        use std::os::fd::AsFd;
        Ok(Self(io::stdin().as_fd().try_clone_to_owned()?.into()))
    }

    /// Standard input. Nothing else may read from it.
    ///
    /// # Errors
    /// What the system says if standard input is closed.
    #[cfg(windows)]
    pub fn standard() -> io::Result<Self> {
        use std::os::windows::io::AsHandle;
        Ok(Self(io::stdin().as_handle().try_clone_to_owned()?.into()))
    }
}

impl From<File> for PipeInput {
    fn from(file: File) -> Self {
        Self(file)
    }
}

impl Read for PipeInput {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Input for PipeInput {
    #[cfg(unix)]
    fn ready(&mut self) -> bool {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let mut descriptors = [PollFd::new(&self.0, PollFlags::IN)];
        // An error will be met again when reading.
        poll(&mut descriptors, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
    }

    #[cfg(not(unix))]
    fn ready(&mut self) -> bool {
        false
    }
}

/// Input that notes when a batch's first bytes came and how long was waited for input, and keeps the very first bytes.
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

    /// What the first read gave, as much of it as says what the input is.
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
        let mut input = PipeInput(OwnedFd::from(read).into());
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
