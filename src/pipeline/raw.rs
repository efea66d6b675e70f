//! The parts that a configuration names.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use skimlog_formats::part::PartReader;
use skimlog_import::log::LogFormat;
use skimlog_runtime::stream::{PartList, PassedOver, RawPart, StreamError, find_copies, in_order, list_parts};

use super::error::PipelineError;
use crate::config::Config;
use crate::workspace::Layout;

/// The parts that a configuration names, as they were given: raw, packed or converted. No two files are equal.
pub struct RawData {
    /// What is trained on, in the order of names.
    pub training: Vec<RawPart>,
    /// What is held out and fine-tuned on.
    pub validation: Option<RawPart>,
    /// What stands beside the training parts and is none.
    pub passed_over: PassedOver,
}

impl RawData {
    /// Finds the parts. A validation part that stands among the training parts is none of them.
    ///
    /// # Errors
    /// [`PipelineError::Stream`] if they cannot be read, there is none, or they have the same name or content.
    pub fn of(config: &Config) -> Result<Self, PipelineError> {
        let list = match config.mapping {
            Some(_) => list_logs(&config.recsys_data)?,
            None => list_parts(&config.recsys_data)?,
        };
        let validation = config.validation_part.as_ref();
        let validation = validation.map(|path| RawPart { name: Layout::VALIDATION.into(), path: path.clone() });
        // What is not there is no training part, and is reported by whoever opens it.
        let validation_file = validation.as_ref().and_then(|part| part.path.canonicalize().ok());
        let is_validation = |path: &Path| validation_file.is_some() && path.canonicalize().ok() == validation_file;
        let mut passed_over = list.passed_over;
        passed_over.others.retain(|name| !is_validation(&passed_over.directory.join(name)));
        let parts = list.parts.into_iter().filter(|part| !is_validation(&part.path));
        let training: Vec<_> = parts.take(config.max_n_parts.unwrap_or(usize::MAX)).collect();
        if training.is_empty() {
            return Err(StreamError::OnlyValidation { path: config.recsys_data.clone() }.into());
        }
        if let Some(part) = training.iter().find(|part| validation.is_some() && part.name == Layout::VALIDATION) {
            return Err(StreamError::NameOfValidation { path: part.path.clone() }.into());
        }
        let data = Self { training, validation, passed_over };
        let files: Vec<&Path> = data.parts().map(|part| part.path.as_path()).collect();
        data.expect_no_copies(&files)?;
        Ok(data)
    }

    /// Training parts, then the validation part.
    pub fn parts(&self) -> impl Iterator<Item = &RawPart> {
        self.training.iter().chain(&self.validation)
    }

    /// Makes sure that no two converted parts are equal: one part may be packed and another not, and hold the same.
    ///
    /// # Errors
    /// [`PipelineError::Stream`] with the names of the two.
    pub fn expect_distinct_records(&self, layout: &Layout) -> Result<(), PipelineError> {
        let with_records = |file: &PathBuf| PartReader::open(file).is_ok_and(|part| part.rows() > 0);
        // A part of which nothing but rejected lines is left is nobody's copy; no file has the empty name.
        let file = |part: &RawPart| Some(layout.part(&part.name)).filter(with_records).unwrap_or_default();
        self.expect_no_copies(&self.parts().map(file).collect::<Vec<_>>())
    }

    /// `files`: a file for each part.
    fn expect_no_copies<P: AsRef<Path>>(&self, files: &[P]) -> Result<(), PipelineError> {
        let Some((first, second)) = find_copies(files)? else { return Ok(()) };
        let path = |part: usize| self.parts().nth(part).map(|part| part.path.clone()).unwrap_or_default();
        Err(StreamError::SameContent { first: path(first), second: path(second) }.into())
    }
}

/// The logs in a folder: files whose names say a format that is read, and converted parts. A file in place of a folder
/// is a log whatever its name, and a pattern stands for the files that it matches.
fn list_logs(data: &Path) -> Result<PartList, PipelineError> {
    let unreadable = |source| StreamError::Directory { path: data.to_owned(), source };
    let is_pattern = data.to_string_lossy().contains(['*', '?', '[']) && !data.exists();
    let mut list = PartList {
        passed_over: PassedOver { directory: data.to_owned(), ..PassedOver::default() },
        ..PartList::default()
    };
    let paths: Vec<PathBuf> = if is_pattern {
        let paths = glob::glob(&data.to_string_lossy()).map_err(|error| unreadable(io::Error::other(error)))?;
        paths.collect::<Result<_, _>>().map_err(|error| unreadable(error.into()))?
    } else if fs::metadata(data).map_err(unreadable)?.is_dir() {
        let mut paths = Vec::new();
        for entry in fs::read_dir(data).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            let name = path.file_name().unwrap_or_default().to_owned();
            let is_part =
                LogFormat::of_name(&path).is_some() || path.extension().is_some_and(|ending| ending == "skim");
            if name.as_encoded_bytes().starts_with(b".") || path.is_dir() {
                continue;
            }
            if is_part {
                paths.push(path);
            } else if path.extension().is_none_or(|ending| ending != "ids") {
                list.passed_over.others.push(name);
            }
        }
        paths
    } else {
        vec![data.to_owned()]
    };
    list.passed_over.others.sort();
    list.parts = in_order(paths.into_iter().map(|path| RawPart { name: log_name(&path), path }))?;
    if list.parts.is_empty() {
        let passed_over = Box::new(list.passed_over);
        return Err(StreamError::NoPart { path: data.to_owned(), passed_over }.into());
    }
    Ok(list)
}

/// The name of a log's part: the file's without its endings.
fn log_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let packed = [".gz", ".zst", ".lzo"].into_iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(&name);
    match packed.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem.to_owned(),
        _ => packed.to_owned(),
    }
}
