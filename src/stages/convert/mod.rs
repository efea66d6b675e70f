//! The stage convert: raw parts → `parts/*.skim`, the same records, columnar and compressed.

mod adoption;
mod bad_record;
mod cost;
mod error;
mod import;
mod lines;
mod logs;
mod options;
mod part;
mod parts;
mod rejected;
mod skim;
mod source;
mod stage;
#[cfg(test)]
mod tests;
mod unusual;

pub use bad_record::BadRecord;
pub use cost::convert_sample;
pub use error::ConvertError;
pub use import::{ImportOptions, ImportOutput, ImportSummary, LogSource, import_logs};
pub use logs::{Dictionary, Logs, OpenedLog};
pub use options::{ConvertOptions, Quarantine};
pub use parts::{ConvertSummary, Format, convert};
pub use skim::convert_part;
pub use source::PartInput;
pub use stage::{Convert, mapping_files, training_parts, validation_part};
pub use unusual::Unusual;
