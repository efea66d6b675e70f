//! What the program promises, through the binary and the public API.

mod bad_input;
mod harness;
