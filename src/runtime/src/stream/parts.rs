//! Which files of a directory are parts.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use super::name::{as_text, is_dictionary, is_part, part_name};
use super::{PassedOver, StreamError};

/// A part: a file of records, raw or converted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawPart {
    /// The part's name: the file's name without its endings, bytes that are no UTF-8 as `%` and two digits.
    pub name: String,
    /// Where the file is.
    pub path: PathBuf,
}

/// What a directory, or a file in place of one, holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartList {
    /// The parts, in the order of their names, byte by byte.
    pub parts: Vec<RawPart>,
    /// What is no part.
    pub passed_over: PassedOver,
}

/// The parts in a directory: files that are named `part-` and then letters, digits, `-` and `_`, with or without a
/// text ending (`.tsv`, `.csv`, `.txt`), a file ending (`.zst`, `.gz`, `.lzo`, `.skim`) and the query of the address
/// that they came from (`?X-Goog-…`), in this order. Hidden files, folders and dictionaries of ids (`part-00000.ids`)
/// are not looked at; what else there is, is passed over.
///
/// A file in place of a directory is a part whatever its name.
///
/// # Errors
/// [`StreamError`] if the directory cannot be read, holds no part or the same part twice.
pub fn list_parts(directory: &Path) -> Result<PartList, StreamError> {
    let unreadable = |source| StreamError::Directory { path: directory.to_owned(), source };
    if !fs::metadata(directory).map_err(unreadable)?.is_dir() {
        let name = part_name(directory.file_name().unwrap_or(directory.as_os_str()));
        let parts = vec![RawPart { name: as_text(name), path: directory.to_owned() }];
        return Ok(PartList { parts, passed_over: PassedOver::default() });
    }
    let mut parts: BTreeMap<OsString, PathBuf> = BTreeMap::new();
    let mut passed_over = PassedOver { directory: directory.to_owned(), ..PassedOver::default() };
    for entry in fs::read_dir(directory).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let (file_name, path) = (entry.file_name(), entry.path());
        // What cannot be asked for its kind cannot be opened either, and is reported then.
        let metadata = fs::metadata(&path).ok();
        let is_directory = metadata.as_ref().is_some_and(fs::Metadata::is_dir);
        let starts_with = |prefix: &[u8]| file_name.as_encoded_bytes().starts_with(prefix);
        let belongs_to_part = !is_directory && is_dictionary(&file_name);
        if starts_with(b".") || is_directory && !starts_with(b"part-") || belongs_to_part {
            continue;
        }
        if is_directory || !is_part(&file_name) {
            passed_over.others.push(file_name);
        } else if metadata.is_some_and(|metadata| metadata.is_file() && metadata.len() == 0) {
            passed_over.empty.push(file_name);
        } else if let Some(first) = parts.insert(part_name(&file_name).to_owned(), path.clone()) {
            let (first, second) = if first < path { (first, path) } else { (path, first) };
            return Err(StreamError::SamePart { first, second });
        }
    }
    passed_over.sort();
    if parts.is_empty() {
        return Err(StreamError::NoPart { path: directory.to_owned(), passed_over: Box::new(passed_over) });
    }
    let files = parts.values().filter_map(|path| path.file_name());
    passed_over.unfinished = files.filter(|file| passed_over.has_control_file(file)).map(OsStr::to_owned).collect();
    let parts = parts.into_iter().map(|(name, path)| RawPart { name: as_text(&name), path }).collect();
    Ok(PartList { parts, passed_over })
}

/// Parts of these names, in the order of the names; two of the same name are refused.
///
/// # Errors
/// [`StreamError::SamePart`].
pub fn in_order(parts: impl IntoIterator<Item = RawPart>) -> Result<Vec<RawPart>, StreamError> {
    let mut named: BTreeMap<String, PathBuf> = BTreeMap::new();
    for RawPart { name, path } in parts {
        if let Some(first) = named.insert(name, path.clone()) {
            return Err(StreamError::SamePart { first, second: path });
        }
    }
    Ok(named.into_iter().map(|(name, path)| RawPart { name, path }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(files: &[&str]) -> Result<PartList, String> {
        let directory = tempfile::tempdir().unwrap();
        files.iter().for_each(|file| fs::write(directory.path().join(file), "x").unwrap());
        fs::create_dir(directory.path().join("validation")).unwrap();
        list_parts(directory.path()).map_err(|error| error.to_string())
    }

    fn names(list: &PartList) -> Vec<&str> {
        list.parts.iter().map(|part| part.name.as_str()).collect()
    }

    #[test]
    fn parts_are_sorted_by_name() {
        let files = [
            "part-00010",
            "part-00002.zst",
            "part-00003.lzo?X-Goog-Date=1",
            "part-00001.tsv",
            ".part-00004.crc",
            "part-00001.ids",
        ];
        let list = list(&files).unwrap();
        assert_eq!(names(&list), ["part-00001", "part-00002", "part-00003", "part-00010"]);
        assert!(list.passed_over.is_empty(), "{}", list.passed_over);
    }

    #[test]
    fn what_is_no_part_is_passed_over_and_named() {
        let directory = tempfile::tempdir().unwrap();
        for file in
            ["part-00000.lzo", "part-00000.lzo.index", "part-00000.lzo.aria2", "part-00000 (1)", "Copy of part-00000"]
        {
            fs::write(directory.path().join(file), "x").unwrap();
        }
        fs::write(directory.path().join("part-00001"), "").unwrap();
        fs::create_dir(directory.path().join("part-00002")).unwrap();
        let list = list_parts(directory.path()).unwrap();
        assert_eq!(names(&list), ["part-00000"]);
        let others =
            ["Copy of part-00000", "part-00000 (1)", "part-00000.lzo.aria2", "part-00000.lzo.index", "part-00002"];
        assert_eq!(list.passed_over.others, others);
        assert_eq!(list.passed_over.empty, ["part-00001"]);
        assert_eq!(list.passed_over.unfinished, ["part-00000.lzo"]);
    }

    #[test]
    fn one_file_is_a_part_whatever_its_name() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("training.2020.tsv.gz");
        fs::write(&path, "x").unwrap();
        let list = list_parts(&path).unwrap();
        assert_eq!(list.parts, [RawPart { name: "training.2020".into(), path }]);
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert!(list(&["part-1.ids"]).unwrap_err().starts_with("no part in /"));
        let none = list(&["apart"]).unwrap_err();
        assert!(none.starts_with("no part in /") && none.contains("apart"), "{none}");
        for twin in ["part-1.zst", "part-1.tsv", "part-1.skim", "part-1.lzo?X-Goog-Date=1"] {
            let twice = list(&["part-1", twin]).unwrap_err();
            assert!(twice.contains(&format!("{twin} are the same part: move one of them away")), "{twice}");
        }
        let missing = list_parts(Path::new("/no/such/place")).unwrap_err().to_string();
        assert!(missing.starts_with("cannot read the directory /no/such/place: "), "{missing}");
    }
}
