//! What the program promises, through the binary and the public API.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bad_input;
mod command_line;
#[cfg(target_os = "linux")]
mod cut_short;
mod decode;
mod demo;
mod embed;
mod everyday;
mod folders;
#[cfg(target_os = "linux")]
mod full_disk;
mod golden;
mod harness;
mod import;
mod interrupted;
mod json;
#[cfg(target_os = "linux")]
mod limits;
#[cfg(target_os = "linux")]
mod outputs;
mod own_ids;
mod packed;
mod plan;
mod report;
mod resume;
mod settings;
#[cfg(unix)]
mod terminal;
mod text;
#[cfg(unix)]
mod training;
mod unusual;
