//! Which files of a directory are raw parts.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::StreamError;

/// A raw part: a file of records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawPart {
    /// The part's name: the file's name without the ending of a packed file.
    pub name: String,
    /// Where the file is.
    pub path: PathBuf,
}

/// The raw parts in a directory, sorted by name: the files whose names start with `part-`, plain or packed (`.zst`).
///
/// `.skim` files and lzop's `.index` files are no raw parts and are passed over.
///
/// # Errors
/// [`StreamError`] if the directory cannot be read, holds no part, the same part twice or a part packed with lzop.
pub fn list_parts(directory: &Path) -> Result<Vec<RawPart>, StreamError> {
    let unreadable = |source| StreamError::Directory { path: directory.to_owned(), source };
    let mut parts: BTreeMap<String, PathBuf> = BTreeMap::new();
    for entry in fs::read_dir(directory).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let file_name = entry.file_name();
        let Some(file_name) = file_name.to_str().filter(|name| name.starts_with("part-")) else { continue };
        let path = entry.path();
        let other = file_name.ends_with(".skim") || file_name.ends_with(".index");
        // What cannot be asked for its kind cannot be opened either, and is reported then.
        if other || fs::metadata(&path).is_ok_and(|metadata| metadata.is_dir()) {
            continue;
        }
        if let Some(first) = parts.insert(part_name(file_name).to_owned(), path.clone()) {
            let (first, second) = if first < path { (first, path) } else { (path, first) };
            return Err(StreamError::SamePart { first, second });
        }
    }
    if parts.is_empty() {
        return Err(StreamError::NoPart { path: directory.to_owned() });
    }
    if let Some(path) = parts.values().find(|path| is_lzop(path)) {
        return Err(StreamError::Lzop { path: path.clone() });
    }
    Ok(parts.into_iter().map(|(name, path)| RawPart { name, path }).collect())
}

/// A part's name from its file's.
pub(super) fn part_name(file_name: &str) -> &str {
    file_name.strip_suffix(".zst").or_else(|| file_name.strip_suffix(".lzo")).unwrap_or(file_name)
}

pub(super) fn is_lzop(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "lzo")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(files: &[&str]) -> Result<Vec<String>, String> {
        let directory = tempfile::tempdir().unwrap();
        files.iter().for_each(|file| fs::write(directory.path().join(file), "x").unwrap());
        fs::create_dir(directory.path().join("part-directory")).unwrap();
        let parts = list_parts(directory.path()).map_err(|error| error.to_string());
        parts.map(|parts| parts.into_iter().map(|part| part.name).collect())
    }

    #[test]
    fn parts_are_sorted_by_name() {
        let files = ["part-00010", "part-00002.zst", "a-part-1", "part-00001", "part-00001.skim", ".part-3.crc"];
        assert_eq!(listed(&files).unwrap(), ["part-00001", "part-00002", "part-00010"]);
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert!(listed(&["apart"]).unwrap_err().starts_with("no part in /"));
        assert!(
            listed(&["part-1", "part-1.zst"])
                .unwrap_err()
                .ends_with("part-1.zst are the same part: move one of them away")
        );
        assert!(listed(&["part-1.lzo", "part-1.lzo.index"]).unwrap_err().contains("lzop -dc /"));
        let missing = list_parts(Path::new("/no/such/place")).unwrap_err().to_string();
        assert!(missing.starts_with("cannot read the directory /no/such/place: "), "{missing}");
    }
}
