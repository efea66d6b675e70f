//! What a file is, by its first bytes. The name is not reliable: downloads may be unpacked and keep their extension, or
//! be packed and have none.

use std::io::{self, Read};

/// What a file, or what comes through a pipe, is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Text, as far as can be seen: raw records, if any.
    Text,
    /// Packed text that is unpacked while it is read.
    Packed(Packing),
    /// A `.skim` file.
    Skim,
    /// Something that is not read here.
    Other(Foreign),
}

/// How a text is packed that is unpacked while it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// `.zst`, frames one behind the other included.
    Zstd,
    /// `.gz`, members one behind the other (pigz, bgzip, `cat`) included.
    Gzip,
    /// `.lzo`, as lzop and Hadoop write it.
    Lzop,
}

/// Something that is not read here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// What it is, as in "it is …".
    pub what: &'static str,
    /// What to do about it.
    pub remedy: Remedy,
}

/// What to do about something that is not read here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// This command, with the file behind it, writes text that is read.
    Command(&'static str),
    /// Whatever made it can write its records as text.
    Export,
    /// A log of one's own: its columns can be mapped.
    Import,
    /// It came in place of the file that was asked for, or with damage.
    DownloadAgain,
}

/// First bytes that say what a file is. No record begins like one of them.
const MAGICS: [(&[u8], &str, Remedy); 31] = [
    (b"BZh", "packed with bzip2", Remedy::Command("bzip2 -dc")),
    (b"\xFD7zXZ\0", "packed with xz", Remedy::Command("xz -dc")),
    (b"LZIP", "packed with lzip", Remedy::Command("lzip -dc")),
    (b"\x5D\0\0", "packed with lzma", Remedy::Command("xz --format=lzma -dc")),
    (b"\x04\x22\x4D\x18", "packed with lz4", Remedy::Command("lz4 -dc")),
    (b"\x02\x21\x4C\x18", "packed with lz4", Remedy::Command("lz4 -dc")),
    (b"\xFF\x06\0\0sNaPpY", "packed with snappy", Remedy::Command("snzip -dc")),
    (b"\x1F\x9D", "packed with compress", Remedy::Command("gzip -dc")),
    (b"PK\x03\x04", "a zip archive", Remedy::Command("unzip -p")),
    (b"PK\x05\x06", "an empty zip archive", Remedy::DownloadAgain),
    (b"7z\xBC\xAF\x27\x1C", "a 7z archive", Remedy::Command("7z x -so")),
    (b"Rar!\x1A\x07", "a rar archive", Remedy::Command("unrar p -inul")),
    (b"PAR1", "a Parquet file", Remedy::Import),
    (b"PARE", "an encrypted Parquet file", Remedy::Export),
    (b"ARROW1", "an Arrow file", Remedy::Import),
    (b"\xFF\xFF\xFF\xFF", "an Arrow stream", Remedy::Import),
    (b"ORC", "an ORC file", Remedy::Export),
    (b"Obj\x01", "an Avro file", Remedy::Export),
    (b"SEQ\x06", "a Hadoop sequence file", Remedy::Export),
    (b"SQLite format 3\0", "an SQLite database", Remedy::Export),
    (b"\x89HDF\r\n\x1A\n", "an HDF5 file", Remedy::Export),
    (b"\x93NUMPY", "a numpy file", Remedy::Export),
    (b"\x80\x04\x95", "a Python pickle", Remedy::Export),
    (b"\x7FELF", "a program", Remedy::DownloadAgain),
    (b"%PDF", "a PDF document", Remedy::DownloadAgain),
    (b"\x89PNG", "an image", Remedy::DownloadAgain),
    (b"\xFF\xD8\xFF", "an image", Remedy::DownloadAgain),
    (b"GIF8", "an image", Remedy::DownloadAgain),
    (b"\xEF\xBB\xBF", "text that begins with a byte order mark", Remedy::Command("tail -c +4")),
    (b"\xFF\xFE", "UTF-16 text", Remedy::Command("iconv -f UTF-16 -t UTF-8")),
    (b"\xFE\xFF", "UTF-16 text", Remedy::Command("iconv -f UTF-16 -t UTF-8")),
];

/// The first bytes of a file of lzop, and of each file behind another.
pub(super) const LZOP_MAGIC: [u8; 9] = *b"\x89LZO\0\r\n\x1A\n";

impl Content {
    /// How many first bytes say what something is; of a shorter file, all of them.
    pub const HEAD: usize = 1024;

    /// What begins with these bytes, at most [`Content::HEAD`].
    pub fn of(head: &[u8]) -> Self {
        let head = match behind_skippable_frames(head) {
            [] if !head.is_empty() => return Self::Packed(Packing::Zstd),
            rest => rest,
        };
        if let Some(packing) = Packing::of(head) {
            return Self::Packed(packing);
        }
        if head.starts_with(b"\x89SKIM\r\n\x1A") {
            return Self::Skim;
        }
        let foreign = |what, remedy| Self::Other(Foreign { what, remedy });
        if let Some(&(_, what, remedy)) = MAGICS.iter().find(|(magic, ..)| head.starts_with(magic)) {
            return foreign(what, remedy);
        }
        if head.get(257..262) == Some(b"ustar") {
            return foreign("a tar archive", Remedy::Command("tar -xOf"));
        }
        match head.trim_ascii_start() {
            [b'<', rest @ ..] if rest.get(..4).is_some_and(|xml| xml.eq_ignore_ascii_case(b"?xml")) => {
                foreign("an XML document", Remedy::DownloadAgain)
            }
            [b'<', ..] => foreign("a web page (HTML)", Remedy::DownloadAgain),
            [b'{' | b'[', ..] => foreign("JSON", Remedy::Import),
            _ => Self::by_characters(head),
        }
    }

    /// Text or not, by its characters: a record that is damaged in a place or two must still count as text.
    fn by_characters(head: &[u8]) -> Self {
        let foreign = |what, remedy| Self::Other(Foreign { what, remedy });
        let many = |count: usize| count * 8 > head.len();
        let zeros_at = |odd: usize| head.iter().skip(odd).step_by(2).filter(|&&byte| byte == 0).count();
        let (even, odd) = (zeros_at(0), zeros_at(1));
        if many(even + odd) {
            return match (even * 8 < odd, odd * 8 < even) {
                (true, false) => foreign("UTF-16 text", Remedy::Command("iconv -f UTF-16LE -t UTF-8")),
                (false, true) => foreign("UTF-16 text", Remedy::Command("iconv -f UTF-16BE -t UTF-8")),
                _ if even + odd == head.len() => {
                    foreign("nothing but zero bytes, as far as seen", Remedy::DownloadAgain)
                }
                _ => foreign("binary data of an unknown kind", Remedy::DownloadAgain),
            };
        }
        let is_control = |byte: u8| byte.is_ascii_control() && !matches!(byte, b'\t' | b'\n' | b'\r' | 1);
        let chunks = head.utf8_chunks();
        let strange: usize = chunks
            .map(|chunk| chunk.invalid().len() + chunk.valid().bytes().filter(|&byte| is_control(byte)).count())
            .sum();
        if many(strange) { foreign("binary data of an unknown kind", Remedy::DownloadAgain) } else { Self::Text }
    }
}

impl Packing {
    /// How what begins with these bytes is packed.
    fn of(head: &[u8]) -> Option<Self> {
        let magics: [(&[u8], Self); 3] =
            [(b"\x28\xB5\x2F\xFD", Self::Zstd), (b"\x1F\x8B", Self::Gzip), (&LZOP_MAGIC, Self::Lzop)];
        magics.into_iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, packing)| packing)
    }

    /// The packing's name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
            Self::Lzop => "lzop",
        }
    }
}

/// What follows behind the frames that zstd and lz4 let others use: parallel packers begin with one.
fn behind_skippable_frames(mut head: &[u8]) -> &[u8] {
    while let [0x50..=0x5F, 0x2A, 0x4D, 0x18, a, b, c, d, ..] = *head {
        let length = u32::from_le_bytes([a, b, c, d]) as usize;
        head = head.get(length.saturating_add(8)..).unwrap_or_default();
    }
    head
}

/// The first bytes of something, as many as say what it is, or all.
pub fn head(input: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(Content::HEAD);
    input.take(Content::HEAD as u64).read_to_end(&mut head)?;
    Ok(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &[u8] =
        b"101\t56898\t102\x01\x01B87AC0FE2C0A4A3E7E7F7A1FCF4BBAE9\x01Photo\tVideo\x01\x01\x01TopLevel\n";

    fn what(head: &[u8]) -> &'static str {
        match Content::of(head) {
            Content::Text => "text",
            Content::Packed(packing) => packing.name(),
            Content::Skim => ".skim",
            Content::Other(foreign) => foreign.what,
        }
    }

    #[test]
    fn records_are_text_damaged_ones_too() {
        assert_eq!(what(b""), "text");
        assert_eq!(what(RECORD), "text");
        for byte in 0..=255 {
            let mut damaged = RECORD.to_vec();
            for at in [3, 20, 40] {
                damaged[at] = byte;
            }
            assert_eq!(what(&damaged), "text", "{byte}");
        }
        // Other separators, other languages: text, and no records, which the parser says best.
        assert_eq!(what(b"a,b,c\r\n1,2,3\r\n"), "text");
        assert_eq!(what("\u{4e00}\u{4e8c}\u{4e09}".as_bytes()), "text");
    }

    #[test]
    fn what_is_packed_shows_in_its_first_bytes() {
        assert_eq!(what(&zstd::encode_all(RECORD, 1).unwrap()), "zstd");
        let skippable = b"\x50\x2A\x4D\x18\x04\0\0\0abcd";
        assert_eq!(what(&[&skippable[..], b"\x28\xB5\x2F\xFD"].concat()), "zstd");
        assert_eq!(what(&[&skippable[..], b"\x04\x22\x4D\x18"].concat()), "packed with lz4");
        assert_eq!(what(b"\x1F\x8B\x08"), "gzip");
        assert_eq!(what(b"\x89LZO\0\r\n\x1A\n"), "lzop");
        assert_eq!(what(b"\x89SKIM\r\n\x1A\x02\0\0\0"), ".skim");
        assert_eq!(what(b"BZh91AY&SY"), "packed with bzip2");
        let mut tar = vec![b'x'; 600];
        tar[257..262].copy_from_slice(b"ustar");
        assert_eq!(what(&tar), "a tar archive");
    }

    #[test]
    fn what_is_no_text_is_named() {
        assert_eq!(what(b"\n<!DOCTYPE html><title>Sign in</title>"), "a web page (HTML)");
        assert_eq!(what(b"<?XML version='1.0'?><Error>AccessDenied</Error>"), "an XML document");
        assert_eq!(what(b"{\"error\": 403}"), "JSON");
        assert_eq!(what(&[0; 900]), "nothing but zero bytes, as far as seen");
        let wide = |order: fn(u16) -> [u8; 2]| RECORD.iter().flat_map(|&byte| order(byte.into())).collect::<Vec<_>>();
        assert_eq!(what(&wide(u16::to_le_bytes)), "UTF-16 text");
        assert_eq!(what(&wide(u16::to_be_bytes)), "UTF-16 text");
        let noise: Vec<u8> = (0..900u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 19) as u8).collect();
        assert_eq!(what(&noise), "binary data of an unknown kind");
    }
}
