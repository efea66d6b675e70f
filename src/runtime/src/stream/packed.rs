//! Packed parts, decompressed while they are read.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

use super::content::Packing;
use super::lzop::LzopReader;

/// The text of a packed file, to its end. What is wrong with it, an error says in a sentence.
pub fn unpack(packing: Packing, input: impl BufRead + Send + 'static) -> io::Result<Box<dyn Read + Send>> {
    Ok(match packing {
        Packing::Zstd => Box::new(Explained { packing, text: zstd::Decoder::with_buffer(input)? }),
        Packing::Gzip => Box::new(Explained { packing, text: GzipMembers { member: Some(GzDecoder::new(input)) } }),
        Packing::Lzop => Box::new(Explained { packing, text: LzopReader::new(input) }),
    })
}

/// A text whose errors say what they mean for the file.
struct Explained<R> {
    packing: Packing,
    text: R,
}

impl<R: Read> Read for Explained<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.text.read(buffer).map_err(|error| {
            let packing = self.packing.name();
            match error.kind() {
                // The system's own words are best, and an interrupted call is made again.
                _ if error.raw_os_error().is_some() => error,
                io::ErrorKind::Interrupted => error,
                io::ErrorKind::UnexpectedEof => io::Error::new(
                    error.kind(),
                    format!("the {packing} file ends too early: download or copy it again"),
                ),
                // A bound on memory, which is zstd's own default.
                _ if error.to_string().contains("too much memory") => {
                    let what = "it was packed with --long for more memory than is taken here: pipe its text instead, \
                                as `zstd -dc --long=31 FILE` writes it";
                    io::Error::new(io::ErrorKind::InvalidData, what)
                }
                _ => {
                    let what = format!("the {packing} file is damaged, download or copy it again ({error})");
                    io::Error::new(io::ErrorKind::InvalidData, what)
                }
            }
        })
    }
}

/// The text of gzip members, one behind the other, with zero bytes behind them where a tape or disk had them.
struct GzipMembers<R> {
    /// `None` at the end.
    member: Option<GzDecoder<R>>,
}

impl<R: BufRead> Read for GzipMembers<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let read = member.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            let input = member.get_mut();
            match after_member(input)? {
                None => self.member = None,
                Some(0x1F) => self.member = self.member.take().map(|member| GzDecoder::new(member.into_inner())),
                Some(_) => {
                    return Err(io::Error::new(io::ErrorKind::InvalidData, "other bytes follow behind its end"));
                }
            }
        }
        Ok(0)
    }
}

/// The first byte behind a member that is not zero.
fn after_member(input: &mut impl BufRead) -> io::Result<Option<u8>> {
    loop {
        let bytes = input.fill_buf()?;
        if bytes.is_empty() {
            return Ok(None);
        }
        match bytes.iter().position(|&byte| byte != 0) {
            Some(at) => {
                let byte = bytes[at];
                input.consume(at);
                return Ok(Some(byte));
            }
            None => {
                let length = bytes.len();
                input.consume(length);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};
    use std::path::Path;

    use super::*;

    const TEXT: &str = "101\t102\tsome text that is packed, packed, packed\n";

    fn unpacked(packing: Packing, packed: &[u8]) -> Result<String, String> {
        let mut text = String::new();
        // Small pieces: borders must not show.
        let input = io::BufReader::with_capacity(7, Cursor::new(packed.to_vec()));
        let outcome = unpack(packing, input).and_then(|mut reader| reader.read_to_string(&mut text));
        outcome.map(|_| text).map_err(|error| error.to_string())
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        out.write_all(text).unwrap();
        out.finish().unwrap()
    }

    fn zstd_with_checksum(text: &[u8]) -> Vec<u8> {
        let mut out = zstd::Encoder::new(Vec::new(), 1).unwrap();
        out.include_checksum(true).unwrap();
        out.write_all(text).unwrap();
        out.finish().unwrap()
    }

    fn fixture(name: &str) -> Vec<u8> {
        std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/packed").join(name)).unwrap()
    }

    fn all() -> [(Packing, Vec<u8>); 3] {
        [
            (Packing::Zstd, zstd_with_checksum(TEXT.as_bytes())),
            (Packing::Gzip, gzip(TEXT.as_bytes())),
            (Packing::Lzop, fixture("adler.lzo")),
        ]
    }

    #[test]
    fn a_file_may_hold_several_one_behind_the_other() {
        for (packing, packed) in all() {
            let text = unpacked(packing, &packed).unwrap();
            assert!(text.ends_with('\n') && text.len() > 20, "{packing:?}");
            assert_eq!(unpacked(packing, &packed.repeat(3)).unwrap(), text.repeat(3), "{packing:?}");
        }
        let padded = [gzip(b"a\n"), vec![0; 20], gzip(b"b\n"), vec![0; 9]].concat();
        assert_eq!(unpacked(Packing::Gzip, &padded).unwrap(), "a\nb\n");
    }

    #[test]
    fn a_file_cut_anywhere_is_an_error_that_says_so() {
        for (packing, packed) in all() {
            for length in 1..packed.len() {
                let error = unpacked(packing, &packed[..length]).unwrap_err();
                assert!(error.contains("ends too early"), "{packing:?}, {length} of {}: {error}", packed.len());
            }
        }
    }

    #[test]
    fn what_follows_behind_the_end_is_an_error() {
        for (packing, packed) in all() {
            let error = unpacked(packing, &[&packed[..], b"<html>, and more of it"].concat()).unwrap_err();
            assert!(error.contains("is damaged"), "{packing:?}: {error}");
        }
    }

    #[test]
    fn a_wrong_byte_is_never_unseen() {
        for (packing, packed) in all() {
            let text = unpacked(packing, &packed).unwrap();
            for at in 0..packed.len() {
                let mut damaged = packed.clone();
                damaged[at] ^= 0x20;
                // Names, times and the like in a header are not all under a checksum.
                let outcome = unpacked(packing, &damaged);
                assert!(outcome.as_ref().map_or(true, |read| *read == text), "{packing:?}: byte {at}: {outcome:?}");
            }
        }
    }

    #[test]
    fn a_frame_for_more_memory_than_is_taken_says_how_to_read_it() {
        let mut out = zstd::Encoder::new(Vec::new(), 1).unwrap();
        out.window_log(28).unwrap();
        out.write_all(TEXT.as_bytes()).unwrap();
        let error = unpacked(Packing::Zstd, &out.finish().unwrap()).unwrap_err();
        assert!(error.contains("`zstd -dc --long=31 FILE`"), "{error}");
    }

    #[test]
    fn lzop_files_of_all_kinds_are_read() {
        let text = unpacked(Packing::Lzop, &fixture("adler.lzo")).unwrap();
        for name in ["crc.lzo", "best.lzo", "unchecked.lzo"] {
            assert_eq!(unpacked(Packing::Lzop, &fixture(name)).unwrap(), text, "{name}");
        }
    }
}
