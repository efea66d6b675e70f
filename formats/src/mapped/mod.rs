//! Files mapped for reading, and what becomes of one that loses bytes meanwhile.
//!
//! A file can become shorter while it is mapped, and a disk can fail. The system then sends SIGBUS to whoever reads a
//! page that is gone, which ends the process. Here the page reads as zeros instead, and the file is marked: whoever has
//! used the bytes asks [`MappedFile::intact`] before it believes what it made of them.

#[cfg(unix)]
mod faults;
mod file;
mod map;

pub use file::{Lost, MappedFile};
