//! What a file or folder is that is no `.skim` file.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use super::card::is_model;

/// How much of a file's beginning is looked at. A record fits, and the header of every format below.
const BEGINNING: u64 = 1 << 16;

/// Formats that begin with bytes of their own, and what to do with such a file where that is known.
const MAGIC: [(&[u8], &str); 13] = [
    (b"\x89LZO\x00\r\n\x1a\n", "a file packed with lzop: unpack it with `lzop -d`"),
    (b"\x28\xb5\x2f\xfd", "a file packed with zstd: if it is a raw part, `skimmer convert` reads it"),
    (b"\x1f\x8b", "a file packed with gzip: unpack it with `gzip -d`"),
    (b"BZh", "a file packed with bzip2: unpack it with `bzip2 -d`"),
    (b"\xfd7zXZ\x00", "a file packed with xz: unpack it with `xz -d`"),
    (b"\x04\x22\x4d\x18", "a file packed with lz4: unpack it with `lz4 -d`"),
    (b"PK\x03\x04", "a zip archive, or a file of numpy or PyTorch, which are zip archives"),
    (b"PAR1", "a Parquet file"),
    (b"ARROW1", "an Arrow file"),
    (b"%PDF", "a PDF file"),
    (b"<!DOCTYPE", "a web page"),
    (b"<html", "a web page"),
    (b"\x7fELF", "a program"),
];

/// What stands at `path`, in words that complete "this is …".
///
/// # Errors
/// If it cannot be read.
pub fn describe_other(path: &Path) -> io::Result<String> {
    let kind = fs::metadata(path)?.file_type();
    if kind.is_dir() {
        return Ok(folder(path));
    }
    if !kind.is_file() {
        return Ok("neither a file nor a folder".into());
    }
    let mut beginning = Vec::new();
    File::open(path)?.take(BEGINNING).read_to_end(&mut beginning)?;
    Ok(file(path, &beginning))
}

fn folder(path: &Path) -> String {
    let has = |name: &str| path.join(name).exists();
    if is_model(path) {
        "a model folder: `skimmer inspect` and `skimmer predict --model` take it".into()
    } else if has("config.json") && (has("model.safetensors") || has("pytorch_model.bin")) {
        "a folder with a text model: `skimmer embed --checkpoint` takes it".into()
    } else if has("manifest.json") && has("parts") {
        "a working directory: its .skim files are in parts/ and features/".into()
    } else {
        "a folder: name a .skim file in it".into()
    }
}

fn file(path: &Path, beginning: &[u8]) -> String {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    if beginning.is_empty() {
        "an empty file".into()
    } else if let Some(array) = numpy_array(beginning) {
        array
    } else if let Some((_, what)) = MAGIC.iter().find(|(magic, _)| starts_with(beginning, magic)) {
        (*what).to_owned()
    } else if beginning.get(8..9) == Some(b"{") && extension == "safetensors" {
        "a file of tensors (safetensors), as models have them".into()
    } else if extension == "onnx" {
        "a model in the ONNX format".into()
    } else if let Some(fields) = raw_fields(beginning) {
        format!("a raw part of {fields} fields a record: `skimmer convert` makes a .skim file of it")
    } else if !is_text(beginning) {
        "a file of a format that skimmer does not know".into()
    } else if extension == "json" || beginning.trim_ascii_start().starts_with(b"{") {
        "a JSON file".into()
    } else {
        "a text file, but no raw part: its first line has not 20 or 24 fields separated by 0x01".into()
    }
}

/// Upper and lower case are one in what is text.
fn starts_with(beginning: &[u8], magic: &[u8]) -> bool {
    beginning.get(..magic.len()).is_some_and(|bytes| bytes.eq_ignore_ascii_case(magic))
}

/// The type and shape of an array in numpy's format, as its header has them.
fn numpy_array(beginning: &[u8]) -> Option<String> {
    let rest = beginning.strip_prefix(b"\x93NUMPY")?;
    let header = String::from_utf8_lossy(&rest[..rest.len().min(512)]);
    let between = |before: &str, after: char| {
        let value = header.split_once(before)?.1.trim_start();
        Some(value.split_once(after)?.0.to_owned())
    };
    let details = between("'descr':", ',').zip(between("'shape':", ')'));
    Some(match details {
        Some((of, shape)) => format!("a numpy array of {} with the shape {shape})", numpy_type(&of)),
        None => "a numpy array".into(),
    })
}

/// The name that numpy prints for a type, of the code that it stores: `'<i8'` are the 64 bits of an `int64`.
fn numpy_type(code: &str) -> String {
    let code = code.trim_matches(['\'', '<', '>', '=', '|']);
    let bits = code.get(1..).and_then(|bytes| bytes.parse::<u32>().ok()).map(|bytes| 8 * bytes);
    match (code.as_bytes().first(), bits) {
        (Some(b'f'), Some(bits)) => format!("float{bits}"),
        (Some(b'i'), Some(bits)) => format!("int{bits}"),
        (Some(b'u'), Some(bits)) => format!("uint{bits}"),
        (Some(b'b'), _) => "bool".into(),
        _ => code.into(),
    }
}

/// The number of fields of the first line, if it has as many as a record of a raw part may have.
fn raw_fields(beginning: &[u8]) -> Option<usize> {
    let line = beginning.split(|&byte| byte == b'\n').next()?;
    let fields = line.split(|&byte| byte == 1).count();
    matches!(fields, 20 | 24).then_some(fields)
}

/// Whether it reads as text; its last character may have been cut off.
fn is_text(bytes: &[u8]) -> bool {
    let is_unicode = std::str::from_utf8(bytes).map_or_else(|error| error.error_len().is_none(), |_| true);
    is_unicode && !bytes.contains(&0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_is(name: &str, bytes: &[u8], what: &str) {
        let said = file(Path::new(name), bytes);
        assert!(said.contains(what), "{said}");
    }

    #[test]
    fn files_are_known_by_their_beginning() {
        assert_is("part-00000", &[b"7".as_slice(); 24].join(&1), "a raw part of 24 fields");
        assert_is("part-00000", &[&[b"7".as_slice(); 20].join(&1), b"\n7\n".as_slice()].concat(), "a raw part of 20");
        assert_is("part-00000.skim", b"\x28\xb5\x2f\xfd...", "packed with zstd");
        assert_is("part", b"\x1f\x8b\x08", "gzip");
        assert_is("part", b"<!doctype html><html>", "a web page");
        assert_is(
            "vectors",
            b"\x93NUMPY\x01\0v\0{'descr': '<f4', 'fortran_order': False, 'shape': (1999, 64), }",
            "a numpy array of float32 with the shape (1999, 64)",
        );
        assert_is("vectors.npy", b"\x93NUMPY", "a numpy array");
        assert_is("model.safetensors", b"\x40\0\0\0\0\0\0\0{\"weight\":", "tensors");
        assert_is("config.json", b" {\"dim\": 3}", "a JSON file");
        assert_is("Cargo.toml", b"[package]\n", "a text file");
        assert_is("config.yaml", "working_dir: Übung\n".as_bytes(), "a text file, but no raw part");
        assert_is("noise", b"\xff\x00\x12", "does not know");
        assert_is("nothing", b"", "an empty file");
    }
}
