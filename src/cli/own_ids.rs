//! Which ids a command shows: the log's own, or the 128-bit ids that they became.

use std::path::Path;

use clap::ValueEnum;
use skimlog_import::ids::{Dictionaries, dictionary_path};

use super::usage::UsageError;

/// What ids are shown as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum IdForm {
    /// The ids of the log, from the dictionary beside the file.
    Own,
    /// 32 hexadecimal digits.
    Hash,
}

/// The dictionary beside a file, if its own ids are to be shown: by default where there is one.
pub(super) fn dictionaries(file: &Path, form: Option<IdForm>) -> anyhow::Result<Dictionaries> {
    if form == Some(IdForm::Hash) {
        return Ok(Dictionaries::default());
    }
    let dictionaries = Dictionaries::beside([file])?;
    if form == Some(IdForm::Own) && dictionaries.is_empty() {
        let what = format!(
            "--ids own: no dictionary of ids stands beside {} (it would be {}): only `skimmer import` makes one, leave \
             --ids out",
            file.display(),
            dictionary_path(file).display()
        );
        return Err(UsageError(what).into());
    }
    Ok(dictionaries)
}
