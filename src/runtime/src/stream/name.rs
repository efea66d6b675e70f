//! What the file of a part may be called.
//!
//! In a folder, a part's file is called `part-` and then letters, digits, `-` and `_`; a text ending may follow
//! (`.tsv`, `.csv`, `.txt`), then the ending of a packed or converted file (`.zst`, `.gz`, `.lzo`, `.skim`), then the
//! query of the address it came from (`?X-Goog-Algorithm=…`). The part's name is what stands before the endings.
//! Characters outside ASCII count as letters, and so do bytes that are no UTF-8.

use std::ffi::OsStr;
use std::fmt::Write;

/// What the name of every part in a folder begins with.
const PREFIX: &[u8] = b"part-";
const TEXT_ENDINGS: [&str; 3] = [".tsv", ".csv", ".txt"];
/// Of files that are read, and of some that are not: a part that is packed in another way must not be passed over, but
/// be named when it is opened.
const FILE_ENDINGS: [&str; 10] = [".zst", ".gz", ".lzo", ".skim", ".bz2", ".xz", ".lz4", ".zip", ".7z", ".parquet"];
/// Of the dictionary of a part's ids.
const DICTIONARY_ENDING: &[u8] = b".ids";
/// What downloads and editors add to a name, be it behind a query.
const LEFTOVER_ENDINGS: [&str; 13] = [
    ".aria2",
    ".crc",
    ".tmp",
    ".bak",
    ".part",
    ".crdownload",
    ".download",
    ".md5",
    ".sha256",
    ".index",
    ".idx",
    ".old",
    "~",
];

/// A part's name from its file's: without the query of an address, a file ending and a text ending.
pub fn part_name(file_name: &OsStr) -> &OsStr {
    let bytes = file_name.as_encoded_bytes();
    let name = without_ending(&bytes[..query(bytes)], &FILE_ENDINGS);
    let name = without_ending(name, &TEXT_ENDINGS);
    // SAFETY: the cut is at the end or just before one of the ASCII characters `.`, `?`, `@` and `%`, where a
    // platform's string may be cut.
    unsafe { OsStr::from_encoded_bytes_unchecked(name) }
}

/// Whether a file of this name in a folder of parts is a part.
pub(super) fn is_part(file_name: &OsStr) -> bool {
    let bytes = file_name.as_encoded_bytes();
    let rest = part_name(file_name).as_encoded_bytes().strip_prefix(PREFIX);
    rest.is_some_and(|rest| !rest.is_empty() && rest.iter().all(|&byte| is_letter(byte)))
        && without_ending(&bytes[query(bytes)..], &LEFTOVER_ENDINGS).len() == bytes.len() - query(bytes)
}

/// Whether a file of this name is the dictionary of a part's ids, which an import leaves beside the part.
pub(super) fn is_dictionary(file_name: &OsStr) -> bool {
    let name = file_name.as_encoded_bytes().strip_suffix(DICTIONARY_ENDING);
    let rest = name.and_then(|name| name.strip_prefix(PREFIX));
    rest.is_some_and(|rest| !rest.is_empty() && rest.iter().all(|&byte| is_letter(byte)))
}

/// What a name that is no part's has behind the letters that could be one's, up to a query; the whole name if it does
/// not begin like a part's.
pub(super) fn addition(file_name: &OsStr) -> &[u8] {
    let bytes = file_name.as_encoded_bytes();
    let Some(rest) = bytes.strip_prefix(PREFIX) else { return bytes };
    let letters = rest.iter().take_while(|&&byte| is_letter(byte)).count();
    let addition = &rest[letters..];
    &addition[..query(addition)]
}

/// A part's name as text that can name its artefacts: bytes that are no UTF-8 become `%` and two digits. No two parts
/// of a folder have the same one, since their names hold no `%`.
pub(super) fn as_text(name: &OsStr) -> String {
    let mut text = String::new();
    for chunk in name.as_encoded_bytes().utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            // Writing to a string cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

/// What may stand in a part's name.
fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') || !byte.is_ascii()
}

/// Where the query of an address begins, or the length. Some programs write `@` or `%3F` for its `?`, which count
/// behind an ending only.
fn query(name: &[u8]) -> usize {
    let has_ending = |name: &[u8]| {
        without_ending(name, &FILE_ENDINGS).len() + without_ending(name, &TEXT_ENDINGS).len() < 2 * name.len()
    };
    let begins = |&at: &usize| match name[at] {
        b'?' => at > 0,
        b'@' => has_ending(&name[..at]),
        b'%' => name[at..].len() > 3 && name[at..at + 3].eq_ignore_ascii_case(b"%3f") && has_ending(&name[..at]),
        _ => false,
    };
    (0..name.len()).find(begins).unwrap_or(name.len())
}

/// The name without the first of these endings that it has, in capitals or not, unless nothing would be left.
fn without_ending<'n>(name: &'n [u8], endings: &[&str]) -> &'n [u8] {
    let shorter = endings.iter().find_map(|ending| {
        let length = name.len().checked_sub(ending.len()).filter(|&length| length > 0)?;
        name[length..].eq_ignore_ascii_case(ending.as_bytes()).then_some(&name[..length])
    });
    shorter.unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_and_queries_are_no_part_of_a_name() {
        let names = [
            ("part-00000", "part-00000"),
            ("part-00000.zst", "part-00000"),
            ("part-00000.GZ", "part-00000"),
            ("part-00000.tsv", "part-00000"),
            ("part-00000.csv.lzo", "part-00000"),
            ("part-00000.lzo?X-Goog-Date=2021&X=a.b", "part-00000"),
            ("part-00000.lzo@X-Goog-Date=2021", "part-00000"),
            ("part-00000.lzo%3FX-Goog-Date=2021", "part-00000"),
            ("part-00000?X-Goog-Date=2021", "part-00000"),
            ("part-00000-5d5b-c000.txt.gz", "part-00000-5d5b-c000"),
            ("part-r-00007.skim", "part-r-00007"),
            ("part-\u{e4}.zst", "part-\u{e4}"),
        ];
        for (file, name) in names {
            assert_eq!(part_name(OsStr::new(file)), name, "{file}");
            assert!(is_part(OsStr::new(file)), "{file}");
        }
        // Of a file that is named on its own, anything may be the name.
        for (file, name) in
            [("training.tsv", "training"), ("a.b.tsv.gz", "a.b"), (".gz", ".gz"), ("me@home", "me@home")]
        {
            assert_eq!(part_name(OsStr::new(file)), name, "{file}");
            assert!(!is_part(OsStr::new(file)), "{file}");
        }
    }

    #[test]
    fn leftovers_are_no_parts() {
        let tails = [
            "",
            ".1",
            ".lzo.1",
            ".1.lzo",
            ".bak",
            "~",
            " (1)",
            "(1).lzo",
            " - Copy",
            " copy",
            ".lzo.index",
            ".index?X-Goog=1",
            ".lzo.index?X-Goog-Algorithm=GOOG4",
            ".lzo.aria2",
            ".crc",
            ".tmp",
            ".part",
            ".crdownload",
            ".md5",
            ".orig",
            ".swp",
            "@x",
            "?x.aria2",
            ".gz?x=1.crdownload",
            ".lzo.lzo",
            ".tsv~",
            "\n",
            "'",
        ];
        for tail in tails {
            let name = if tail.is_empty() { "part-".to_owned() } else { format!("part-00001{tail}") };
            assert!(!is_part(OsStr::new(&name)), "{name}");
        }
        assert_eq!(addition(OsStr::new("part-00001.lzo.index?X-Goog=1")), b".lzo.index");
        assert_eq!(addition(OsStr::new("part-00001 (1)")), b" (1)");
        assert_eq!(addition(OsStr::new("README")), b"README");
    }

    #[cfg(unix)]
    #[test]
    fn bytes_that_are_no_utf8_make_names_of_their_own() {
        use std::os::unix::ffi::OsStrExt;

        let names = [&b"part-\xFF\xFE"[..], b"part-\xFF", b"part-\xC3", b"part-\xC3\xA4", b"part-FF"];
        let texts = names.map(|name| {
            let with_ending = [name, b".gz"].concat();
            assert!(is_part(OsStr::from_bytes(&with_ending)));
            as_text(part_name(OsStr::from_bytes(&with_ending)))
        });
        assert_eq!(texts, ["part-%FF%FE", "part-%FF", "part-%C3", "part-\u{e4}", "part-FF"]);
    }
}
