//! Error messages for input that is not raw text.

use std::fs::File;
use std::path::Path;

use super::StreamError;
use super::content::{Content, Foreign, Packing, Remedy, head};
use super::name::{as_text, part_name};

/// Where bytes come from that are no text.
#[derive(Clone, Copy, Debug)]
pub enum Origin<'p> {
    /// A file.
    File(&'p Path),
    /// A pipe, by a name for people.
    Pipe(&'p Path),
}

impl StreamError {
    /// Refuses content that is not read where it is: of no known kind, converted, or packed again in a file that was
    /// packed with `packing`.
    pub fn refusal(origin: Origin<'_>, packing: Option<Packing>, content: Content) -> Self {
        let Foreign { what, remedy } = match content {
            Content::Other(foreign) => foreign,
            Content::Packed(inner) => inner.foreign(),
            Content::Skim | Content::Text => {
                Foreign { what: "a .skim file, converted already", remedy: Remedy::Export }
            }
        };
        let what = match packing {
            Some(packing) => format!("packed with {}, and what it holds is {what}", packing.name()),
            None => what.to_owned(),
        };
        let (Origin::File(path) | Origin::Pipe(path)) = origin;
        let remedy = match (content, remedy) {
            (Content::Skim, _) => "use it as it is, or write its text with `skimmer export --to tsv`".to_owned(),
            (_, Remedy::Command(command)) => pipe(origin, packing, command),
            (_, Remedy::Export) => "write its records as raw text first, 20 or 24 fields separated by 0x01".to_owned(),
            (_, Remedy::Import) => {
                "if it is a log, `skimmer import` reads it; else write its records as raw text, 20 or 24 fields \
                 separated by 0x01"
                    .to_owned()
            }
            (_, Remedy::DownloadAgain) => "it is no part, or came in place of one: download it again".to_owned(),
        };
        Self::NoText { path: path.to_owned(), what, remedy }
    }
}

/// What a file is that a part should be read from. What is no plain file (a named pipe) counts as text, and nothing is
/// read of it.
///
/// # Errors
/// [`StreamError::Open`]; [`StreamError::Folder`]; [`StreamError::Empty`]; [`StreamError::NoText`] if it is neither
/// text nor packed text nor a `.skim` file.
pub fn content_of(path: &Path) -> Result<Content, StreamError> {
    let failed = |source| StreamError::Open { path: path.to_owned(), source };
    let metadata = path.metadata().map_err(failed)?;
    if metadata.is_dir() {
        return Err(StreamError::Folder { path: path.to_owned() });
    }
    // Opening a pipe would wait for its writer.
    if !metadata.is_file() {
        return Ok(Content::Text);
    }
    if metadata.len() == 0 {
        return Err(StreamError::Empty { path: path.to_owned() });
    }
    let first = File::open(path).and_then(|mut file| head(&mut file)).map_err(failed)?;
    match Content::of(&first) {
        other @ Content::Other(_) => Err(StreamError::refusal(Origin::File(path), None, other)),
        content => Ok(content),
    }
}

/// Refuses what is not plain text, for those who unpack nothing. `head` is what comes first, at most [`Content::HEAD`]
/// bytes.
///
/// # Errors
/// [`StreamError::NoText`] with what it is and what to do.
pub fn expect_text(origin: Origin<'_>, head: &[u8]) -> Result<(), StreamError> {
    match Content::of(head) {
        Content::Text => Ok(()),
        content => Err(StreamError::refusal(origin, None, content)),
    }
}

impl Packing {
    /// What is said where it is not unpacked.
    fn foreign(self) -> Foreign {
        let (what, command) = match self {
            Self::Zstd => ("packed with zstd", "zstd -dc"),
            Self::Gzip => ("packed with gzip", "gzip -dc"),
            Self::Lzop => ("packed with lzop", "lzop -dc"),
        };
        Foreign { what, remedy: Remedy::Command(command) }
    }
}

/// How to pipe the text that `command` makes of a file, which is packed in another way besides.
fn pipe(origin: Origin<'_>, packing: Option<Packing>, command: &str) -> String {
    let outer = packing.map(|packing| packing.foreign().remedy);
    let command = |file: &str| match outer {
        Some(Remedy::Command(outer)) => format!("{outer} {file} | {command} -"),
        _ => format!("{command} {file}"),
    };
    match origin {
        Origin::Pipe(_) => format!("pipe its text instead, as `{}` writes it", command("FILE")),
        Origin::File(path) => {
            let name = as_text(part_name(path.file_name().unwrap_or(path.as_os_str())));
            let (file, output) = (quoted(&path.to_string_lossy()), quoted(&format!("{name}.skim")));
            format!("pipe its text instead, with `{} | skimmer convert - -o {output}`", command(&file))
        }
    }
}

/// An argument as a shell takes it.
fn quoted(argument: &str) -> String {
    let is_plain = |character: char| character.is_alphanumeric() || "/._-+,:=".contains(character);
    if argument.chars().all(is_plain) { argument.to_owned() } else { format!("'{}'", argument.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_it_is_and_what_to_do() {
        let said = |origin, head: &[u8]| expect_text(origin, head).map_err(|error| error.to_string());
        let file = |name: &'static str| Origin::File(Path::new(name));
        assert_eq!(said(file("part-0"), b"101\t102\x01"), Ok(()));
        let pipe = "pipe its text instead, with `bzip2 -dc d/part-0.bz2 | skimmer convert - -o part-0.skim`";
        assert_eq!(said(file("d/part-0.bz2"), b"BZh9"), Err(format!("d/part-0.bz2 is packed with bzip2: {pipe}")));
        let said_of_pipe = said(Origin::Pipe(Path::new("standard input")), b"\x1F\x8B\x08").unwrap_err();
        let expected = "standard input is packed with gzip: pipe its text instead, as `gzip -dc FILE` writes it";
        assert_eq!(said_of_pipe, expected);
        let said_of_query = said(file("part-0.xz?a=1&b"), b"\xFD7zXZ\0").unwrap_err();
        assert!(
            said_of_query.contains("`xz -dc 'part-0.xz?a=1&b' | skimmer convert - -o part-0.skim`"),
            "{said_of_query}"
        );
        let skim = said(file("x"), b"\x89SKIM\r\n\x1A").unwrap_err();
        assert!(skim.starts_with("x is a .skim file, converted already: use it as it is"), "{skim}");
    }

    #[test]
    fn what_a_packed_file_holds_is_named_too() {
        let origin = Origin::File(Path::new("part-0.gz"));
        let mut head = vec![b'x'; 600];
        head[257..262].copy_from_slice(b"ustar");
        let said = StreamError::refusal(origin, Some(Packing::Gzip), Content::of(&head)).to_string();
        let start = "part-0.gz is packed with gzip, and what it holds is a tar archive: ";
        assert!(said.starts_with(start) && said.contains("`gzip -dc part-0.gz | tar -xOf - | skimmer"), "{said}");
    }
}
