//! Files in a folder of parts that are not parts.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

use super::name::addition;

/// Most groups of files that are named, and most files of a group that are all named.
const GROUPS: usize = 20;
const FILES: usize = 3;

/// What stands beside the parts of a directory and is none. As text it is a warning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PassedOver {
    /// The directory.
    pub directory: PathBuf,
    /// Files that are not named as parts are, and folders that are.
    pub others: Vec<OsString>,
    /// Files that are named as parts are and have no byte.
    pub empty: Vec<OsString>,
    /// Parts beside which a `.aria2` file stands: their download has not ended.
    pub unfinished: Vec<OsString>,
}

impl PassedOver {
    /// Whether there is nothing to warn of.
    pub fn is_empty(&self) -> bool {
        self.others.is_empty() && self.empty.is_empty()
    }

    /// Orders what was found by its names.
    pub(super) fn sort(&mut self) {
        self.others.sort_unstable();
        self.empty.sort_unstable();
    }

    /// Whether aria2 keeps the state of a file's download beside it, which it removes at the end.
    pub(super) fn has_control_file(&self, file_name: &OsStr) -> bool {
        let of = |name: &OsString| {
            let name = Path::new(name);
            name.extension() == Some(OsStr::new("aria2")) && name.file_stem() == Some(file_name)
        };
        self.others.iter().any(of)
    }
}

impl fmt::Display for PassedOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "passed over in {}: ", self.directory.display())?;
        if !self.others.is_empty() {
            write!(
                f,
                "{}, not named as parts are (`part-` and letters, digits, - and _; then .tsv, .csv or .txt; then .zst, \
                 .gz, .lzo or .skim)",
                listed(&self.others)
            )?;
        }
        if !self.empty.is_empty() {
            let separator = if self.others.is_empty() { "" } else { "; " };
            write!(f, "{separator}{}, without a byte", listed(&self.empty))?;
        }
        if !self.unfinished.is_empty() {
            write!(f, "; a .aria2 file says that the download has not ended of {}", listed(&self.unfinished))?;
        }
        Ok(())
    }
}

/// Names, those of many files with the same addition as the first and the last of them.
fn listed(names: &[OsString]) -> String {
    let mut groups: BTreeMap<&[u8], Vec<String>> = BTreeMap::new();
    for name in names {
        // A name with line breaks or colours must not look like more than a name.
        let shown = name.to_string_lossy().replace(char::is_control, "\u{FFFD}");
        groups.entry(addition(name)).or_default().push(shown);
    }
    let mut all: Vec<String> = groups
        .values()
        .flat_map(|group| match &group[..] {
            [first, .., last] if group.len() > FILES => vec![format!("{first} to {last} ({} files)", group.len())],
            _ => group.clone(),
        })
        .collect();
    let more = all.len().saturating_sub(GROUPS);
    if more > 0 {
        all.truncate(GROUPS);
        all.push(format!("{more} more"));
    }
    all.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn os(names: &[&str]) -> Vec<OsString> {
        names.iter().map(OsString::from).collect()
    }

    #[test]
    fn a_warning_names_everything_but_hundreds_of_a_kind() {
        let mut others = os(&["part-00001.1", "part-00001~", "part-2\x1b[31m\n.bak"]);
        others.extend((0..300).map(|part| format!("part-{part:05}.lzo.index?X-Goog-Signature={part}").into()));
        let mut warning = PassedOver { directory: "data".into(), others, ..PassedOver::default() };
        warning.sort();
        let text = warning.to_string();
        assert!(text.starts_with("passed over in data: ") && !text.contains(char::is_control), "{text}");
        for named in ["part-00001.1,", "part-00001~", "index?X-Goog-Signature=0 to ", "(300 files)"] {
            assert!(text.contains(named), "{text}");
        }
        assert!(text.len() < 500, "{text}");
    }

    #[test]
    fn empty_files_and_unfinished_downloads_are_said_as_such() {
        let warning = PassedOver {
            directory: "data".into(),
            others: os(&["part-1.aria2"]),
            empty: os(&["part-2"]),
            unfinished: os(&["part-1"]),
        };
        let text = warning.to_string();
        assert!(text.contains("part-2, without a byte"), "{text}");
        assert!(text.ends_with("a .aria2 file says that the download has not ended of part-1"), "{text}");
        assert!(warning.has_control_file(OsStr::new("part-1")) && !warning.has_control_file(OsStr::new("part-2")));
    }
}
