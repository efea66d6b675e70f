//! What format a log is in: by its name, and by its first bytes.

use std::path::Path;

/// The format of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Parquet.
    Parquet,
    /// Comma-separated values with a header, or with another separator.
    Csv,
    /// TAB-separated values with a header.
    Tsv,
    /// A JSON object a line.
    Ndjson,
    /// Arrow IPC, a file or a stream.
    Arrow,
}

impl LogFormat {
    /// All formats.
    pub const ALL: [Self; 5] = [Self::Parquet, Self::Csv, Self::Tsv, Self::Ndjson, Self::Arrow];

    /// The name of the format, as `--format` takes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::Ndjson => "ndjson",
            Self::Arrow => "arrow",
        }
    }

    /// The format of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// The format that a file's name says; the ending of a packed file (`.gz`, `.zst`, `.lzo`) may follow.
    pub fn of_name(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_string_lossy().to_ascii_lowercase();
        let name = [".gz", ".zst", ".lzo"].into_iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(&name);
        match name.rsplit_once('.')?.1 {
            "parquet" | "pq" => Some(Self::Parquet),
            "csv" => Some(Self::Csv),
            "tsv" => Some(Self::Tsv),
            "ndjson" | "jsonl" | "json" => Some(Self::Ndjson),
            "arrow" | "arrows" | "feather" | "ipc" => Some(Self::Arrow),
            _ => None,
        }
    }

    /// The format that the first bytes of a file say.
    pub fn of_head(head: &[u8]) -> Option<Self> {
        if head.starts_with(b"PAR1") {
            return Some(Self::Parquet);
        }
        if head.starts_with(ARROW_FILE) || head.starts_with(ARROW_STREAM) {
            return Some(Self::Arrow);
        }
        let text = head.strip_prefix(BYTE_ORDER_MARK).unwrap_or(head).trim_ascii_start();
        matches!(text, [b'{' | b'[', ..]).then_some(Self::Ndjson)
    }

    /// Whether it is text, which comes in lines.
    pub(super) const fn is_text(self) -> bool {
        matches!(self, Self::Csv | Self::Tsv | Self::Ndjson)
    }
}

/// What an Arrow file begins with.
pub(super) const ARROW_FILE: &[u8] = b"ARROW1";
/// What an Arrow stream begins with.
const ARROW_STREAM: &[u8] = b"\xFF\xFF\xFF\xFF";
/// What some programs write at the start of UTF-8.
pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_first_bytes_say_the_format() {
        let of_name = |name: &str| LogFormat::of_name(Path::new(name));
        assert_eq!(of_name("/d/feed.JSONL.gz"), Some(LogFormat::Ndjson));
        assert_eq!(of_name("part-00000.parquet"), Some(LogFormat::Parquet));
        assert_eq!((of_name("part-00000"), of_name("a.txt")), (None, None));
        assert_eq!(LogFormat::of_head(b"\xEF\xBB\xBF {\"a\""), Some(LogFormat::Ndjson));
        assert_eq!(LogFormat::of_head(b"a,b\n"), None);
        assert!(LogFormat::ALL.into_iter().all(|format| LogFormat::named(format.name()) == Some(format)));
    }
}
