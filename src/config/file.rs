//! A configuration file's bytes, decoded to text.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::{ConfigError, Location, Wrong};

/// A larger file is no configuration.
const LARGEST: u64 = 1 << 20;

/// Reads a file, which may be a pipe.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, ConfigError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => ConfigError::Missing { path: path.to_owned() },
        io::ErrorKind::IsADirectory => ConfigError::Folder { path: path.to_owned() },
        _ => ConfigError::Read { path: path.to_owned(), source },
    };
    if path.is_dir() {
        return Err(ConfigError::Folder { path: path.to_owned() });
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes)).map_err(failed)?;
    Ok(bytes)
}

/// Text in UTF-8, with or without a byte order mark.
pub(super) fn text(mut bytes: Vec<u8>) -> Result<String, Wrong> {
    let refuse = |line, problem: &str| Err(Wrong::at(Location::Line(line), problem));
    if bytes.len() as u64 > LARGEST {
        return refuse(1, "the file is larger than 1 MiB: this is no configuration");
    }
    if bytes.starts_with(&[0xff, 0xfe])
        || bytes.starts_with(&[0xfe, 0xff])
        || bytes.iter().take(4).any(|&byte| byte == 0)
    {
        return refuse(1, "the file is not UTF-8 but UTF-16, or no text at all: save it as UTF-8");
    }
    if bytes.starts_with("\u{feff}".as_bytes()) {
        bytes.drain(..3);
    }
    String::from_utf8(bytes).or_else(|error| {
        let at = error.utf8_error().valid_up_to();
        let (before, after) = error.as_bytes().split_at(at);
        let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
        let byte = after.first().copied().unwrap_or_default();
        refuse(line, &format!("the byte 0x{byte:02X} is no UTF-8: save the file as UTF-8"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(bytes: &[u8]) -> (Location, String) {
        let Wrong { location, problem } = text(bytes.to_vec()).unwrap_err();
        (location, problem)
    }

    #[test]
    fn a_byte_order_mark_is_passed_over() {
        assert_eq!(text(b"\xef\xbb\xbfseed: 1\r\n".to_vec()).unwrap(), "seed: 1\r\n");
    }

    #[test]
    fn what_is_no_utf_8_is_said() {
        let utf_16 = |little: bool| -> Vec<u8> {
            "seed: 1"
                .encode_utf16()
                .flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() })
                .collect()
        };
        for bytes in [
            [b"\xff\xfe".to_vec(), utf_16(true)].concat(),
            [b"\xfe\xff".to_vec(), utf_16(false)].concat(),
            utf_16(true),
            utf_16(false),
        ] {
            assert!(problem(&bytes).1.contains("UTF-16"));
        }
        let (location, said) = problem(b"seed: 1\nworking_dir: caf\xe9\n");
        assert_eq!(location, Location::Line(2));
        assert!(said.contains("0xE9"), "{said}");
        assert!(problem(&vec![b'#'; (1 << 20) + 1]).1.contains("larger"));
    }
}
