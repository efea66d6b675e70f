//! Parts that are converted already.

use std::fs;
use std::io;
use std::path::Path;

use rayon::iter::{IntoParallelIterator, ParallelIterator};
use serde_json::json;
use skimmer_formats::part::PartReader;
use skimmer_formats::record::{Columns, FieldCount};

use super::Stages;
use crate::pipeline::PipelineError;
use crate::pipeline::convert::ConvertError;
use crate::pipeline::task::Task;
use crate::progress::{Progress, Unit};
use crate::stream::RawPart;
use crate::workspace::{AtomicFile, Fingerprint, WorkspaceError, remove_if_there};

impl<'s> Stages<'s> {
    /// Checks a `.skim` part and gives it its place in the working directory: as a second name of the file (a hard
    /// link), or as a copy where the file system has no such names or is another.
    pub(super) fn adoption(&self, part: RawPart) -> Result<Task<'s>, PipelineError> {
        let Self { config, workspace, progress, .. } = *self;
        let target = workspace.part(&part.name);
        let fingerprint = Fingerprint::new()
            .with_file("the converted part", &part.path)?
            .with("vocabulary_size", config.vocabulary_size);
        let (vocabulary, output) = (config.vocabulary_size, target.clone());
        let work = move || {
            let records = check(&part.path, vocabulary, progress)?;
            put_in_place(&part.path, &target)?;
            let fields = FieldCount::Labelled.fields();
            Ok(json!({"fields": fields, "records": records, "rejected": 0, "bytes_read": 0, "used_as_it_is": true}))
        };
        Ok(Task { name: format!("convert {}", part.name), fingerprint, outputs: vec![output], work: Box::new(work) })
    }
}

/// Makes sure that a `.skim` file is whole and what conversion could have made of a raw part with this vocabulary.
/// Returns its number of records.
fn check(path: &Path, vocabulary: u32, progress: &dyn Progress) -> Result<u64, PipelineError> {
    let part = PartReader::open(path)?;
    if !part.has_reactions() {
        return Err(ConvertError::NoReactions { path: path.to_owned() }.into());
    }
    progress.begin(&format!("check {}", path.display()), Some(part.rows()), Unit::Records);
    part.reader().verify()?;
    let wrong = (0..part.blocks()).into_par_iter().find_map_first(|block| {
        let tokens = match part.read(block, Columns::TOKENS) {
            Ok(records) => records.tokens,
            Err(error) => return Some(error.into()),
        };
        progress.advance(tokens.len() as u64);
        let token = tokens.values().iter().copied().find(|&token| token >= vocabulary)?;
        Some(PipelineError::from(ConvertError::Token { path: path.to_owned(), token, vocabulary }))
    });
    progress.end();
    wrong.map_or(Ok(part.rows()), Err)
}

/// Makes `target` a second name of a file, or a copy of it.
fn put_in_place(file: &Path, target: &Path) -> Result<(), WorkspaceError> {
    // Not a second name of a symbolic link, which may lead nowhere tomorrow.
    let file = file.canonicalize().map_err(WorkspaceError::io("find", file))?;
    if is_same(&file, target) {
        return Ok(());
    }
    if let Some(folder) = target.parent() {
        fs::create_dir_all(folder).map_err(WorkspaceError::io("make the folder", folder))?;
    }
    remove_if_there(target)?;
    if fs::hard_link(&file, target).is_ok() {
        return Ok(());
    }
    let mut copy = AtomicFile::create(target)?;
    let mut original = fs::File::open(&file).map_err(WorkspaceError::io("open", &file))?;
    io::copy(&mut original, &mut copy).map_err(WorkspaceError::io("write", target))?;
    copy.commit()
}

/// Whether two names are those of one file.
#[cfg(unix)]
fn is_same(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |path: &Path| path.metadata().map(|metadata| (metadata.dev(), metadata.ino())).ok();
    identity(one).is_some_and(|one| Some(one) == identity(other))
}

/// Whether two names are those of one file.
#[cfg(not(unix))]
fn is_same(one: &Path, other: &Path) -> bool {
    one.canonicalize().ok().is_some_and(|one| Some(one) == other.canonicalize().ok())
}
