//! Parts that are converted already.

use std::fs;
use std::io;
use std::path::Path;

use rayon::iter::{IntoParallelIterator, ParallelIterator};
use serde::Serialize;
use skimlog_formats::part::PartReader;
use skimlog_formats::record::{Columns, FieldCount};
use skimlog_import::ids::dictionary_path;
use skimlog_runtime::files::{AtomicFile, remove_if_there};
use skimlog_runtime::progress::{Progress, Unit};
use skimlog_runtime::stream::RawPart;

use super::error::ConvertError;
use super::parts::ConvertSummary;
use super::unusual::{Unusual, seconds_now};
use crate::pipeline::{Context, PipelineError, Task};
use crate::workspace::{Fingerprint, WorkspaceError};

/// What became of a part that is used as it is.
#[derive(Serialize)]
struct Adopted {
    #[serde(flatten)]
    summary: ConvertSummary,
    used_as_it_is: bool,
}

/// Checks a `.skim` part and gives it its place in the working directory: as a second name of the file (a hard link),
/// or as a copy where the file system has no such names or is another.
pub(super) fn adoption<'c>(context: &Context<'c>, name: String, part: RawPart) -> Result<Task<'c>, PipelineError> {
    let Context { config, workspace, progress, .. } = *context;
    let target = workspace.part(&part.name);
    let mut fingerprint =
        Fingerprint::new().with_file("the converted part", &part.path)?.with("vocabulary_size", config.vocabulary_size);
    let (vocabulary, mut outputs) = (config.vocabulary_size, vec![target.clone()]);
    // An imported part has the dictionary of its ids beside it.
    let dictionary = Some(dictionary_path(&part.path)).filter(|dictionary| dictionary.is_file());
    if let Some(dictionary) = &dictionary {
        fingerprint = fingerprint.with_file("the dictionary of its ids", dictionary)?;
        outputs.push(dictionary_path(&target));
    }
    let work = move || {
        let (records, unusual) = check(&part.path, vocabulary, progress)?;
        put_in_place(&part.path, &target)?;
        if let Some(dictionary) = &dictionary {
            put_in_place(dictionary, &dictionary_path(&target))?;
        }
        unusual.tell(&part.path, progress);
        let fields = FieldCount::Labelled;
        let summary = ConvertSummary { fields, records, rejected: 0, bytes_read: 0, unusual, ids: None };
        Ok(Adopted { summary, used_as_it_is: true })
    };
    Ok(Task::new(name, fingerprint, outputs, work))
}

/// Makes sure that a `.skim` file is whole and what conversion could have made of a raw part with this vocabulary.
/// Returns its number of records, and what is unusual about them.
fn check(path: &Path, vocabulary: u32, progress: &dyn Progress) -> Result<(u64, Unusual), PipelineError> {
    let part = PartReader::open(path)?;
    if !part.has_reactions() {
        return Err(ConvertError::NoReactions { path: path.to_owned() }.into());
    }
    progress.begin(&format!("check {}", path.display()), Some(part.rows()), Unit::Records);
    let now = seconds_now();
    let blocks = (0..part.blocks()).into_par_iter().map(|block| {
        let records = part.read(block, Columns::ALL)?;
        if let Some(token) = records.tokens.values().iter().copied().find(|&token| token >= vocabulary) {
            return Err(PipelineError::from(ConvertError::Token { path: path.to_owned(), token, vocabulary }));
        }
        progress.advance(records.rows as u64);
        Ok(Unusual::of(&records, now))
    });
    // The first block that is wrong is the one that is named.
    let blocks: Vec<_> = blocks.collect();
    progress.end();
    let mut unusual = Unusual { no_final_newline: !part.has_final_newline(), ..Unusual::default() };
    for block in blocks {
        unusual.add(&block?);
    }
    Ok((part.rows(), unusual))
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
    Ok(copy.commit()?)
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
