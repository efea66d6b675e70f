//! The 65 counts of a record through the public interface: against the golden files and against their definition.

mod definition;
mod golden;
mod random;
mod source;
