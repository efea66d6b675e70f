//! The outer layout of a frozen file: a header of 256 bytes, then up to four checksummed sections.

use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use bytemuck::{Pod, Zeroable};
use skimlog_formats::mapped;
use skimlog_runtime::files::AtomicFile;
use xxhash_rust::xxh3::{Xxh3Default, xxh3_64};

use super::FrozenError;

const _: () = assert!(cfg!(target_endian = "little"), "frozen files are mapped as little-endian numbers");

const MAGIC: [u8; 8] = *b"SKIMFRZN";
const VERSION: u32 = 1;
/// Sections begin at multiples of this.
const ALIGNMENT: u64 = 64;
/// Most sections of a file.
const SECTIONS: usize = 4;
/// Bytes of the header.
pub(super) const HEADER: u64 = size_of::<Header>() as u64;

/// What a frozen file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Kind {
    Table = 1,
    Similar = 2,
}

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Header {
    magic: [u8; 8],
    version: u32,
    kind: u32,
    /// What the kind needs to know of itself.
    parameters: [u64; 4],
    sections: [Section; SECTIONS],
    reserved: [u64; 13],
    /// XXH3 of all bytes before.
    checksum: u64,
}

const _: () = assert!(size_of::<Header>() == 256);

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Section {
    offset: u64,
    bytes: u64,
    /// XXH3 of the section's bytes.
    checksum: u64,
}

impl Section {
    /// Whether it is the entry of no section, all zeros.
    fn is_none(&self) -> bool {
        (self.offset, self.bytes, self.checksum) == (0, 0, 0)
    }
}

/// Where a section can begin that comes after byte `end`.
pub(super) const fn aligned(end: u64) -> u64 {
    end.next_multiple_of(ALIGNMENT)
}

/// Writes a frozen file, which appears when it is whole.
pub(super) struct FileWriter {
    path: PathBuf,
    file: AtomicFile,
}

impl FileWriter {
    pub(super) fn create(path: &Path) -> Result<Self, FrozenError> {
        Ok(Self { path: path.to_owned(), file: AtomicFile::create(path)? })
    }

    /// The name the file will have.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Starts a section at byte `offset`. Several may be open at the same time.
    pub(super) fn section(&self, offset: u64) -> Result<SectionWriter, FrozenError> {
        debug_assert!(offset.is_multiple_of(ALIGNMENT));
        let mut file = self.file.another_handle()?;
        file.seek(SeekFrom::Start(offset)).map_err(FrozenError::io(&self.path))?;
        let file = BufWriter::with_capacity(1 << 18, file);
        Ok(SectionWriter { file, path: self.path.clone(), offset, bytes: 0, checksum: Xxh3Default::new() })
    }

    /// Writes the header, syncs the file and gives it its name.
    pub(super) fn finish(self, kind: Kind, parameters: [u64; 4], sections: &[Section]) -> Result<(), FrozenError> {
        let mut header = Header { magic: MAGIC, version: VERSION, kind: kind as u32, parameters, ..Header::zeroed() };
        header.sections[..sections.len()].copy_from_slice(sections);
        let bytes = bytemuck::bytes_of(&header);
        header.checksum = xxh3_64(&bytes[..bytes.len() - 8]);
        let mut file = self.file.another_handle()?;
        let mut write = || {
            file.write_all(bytemuck::bytes_of(&header))?;
            // An empty last section may begin beyond the last byte written.
            let end = sections.iter().map(|section| section.offset + section.bytes).max();
            file.set_len(end.unwrap_or(HEADER))
        };
        write().map_err(FrozenError::io(&self.path))?;
        Ok(self.file.commit()?)
    }
}

/// Writes one section.
pub(super) struct SectionWriter {
    file: BufWriter<File>,
    path: PathBuf,
    offset: u64,
    bytes: u64,
    checksum: Xxh3Default,
}

impl SectionWriter {
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), FrozenError> {
        self.bytes += bytes.len() as u64;
        self.checksum.update(bytes);
        self.file.write_all(bytes).map_err(FrozenError::io(&self.path))
    }

    /// Bytes written so far.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The first byte after the section.
    pub(super) fn end(&self) -> u64 {
        self.offset + self.bytes
    }

    pub(super) fn finish(mut self) -> Result<Section, FrozenError> {
        self.file.flush().map_err(FrozenError::io(&self.path))?;
        Ok(Section { offset: self.offset, bytes: self.bytes, checksum: self.checksum.digest() })
    }
}

/// A mapped frozen file whose header is sound.
pub(super) struct MappedFile {
    map: mapped::MappedFile,
    pub(super) parameters: [u64; 4],
    sections: [Section; SECTIONS],
}

impl MappedFile {
    /// Maps a file and checks its header and that all sections are within it. Does not read the sections.
    pub(super) fn open(path: &Path, kind: Kind) -> Result<Self, FrozenError> {
        let map = mapped::MappedFile::open(path).map_err(FrozenError::io(path))?;
        let header = map.checked(Self::header(&map, kind))?;
        Ok(Self { map, parameters: header.parameters, sections: header.sections })
    }

    /// The header, if it and the file's length are sound.
    fn header(map: &mapped::MappedFile, kind: Kind) -> Result<Header, FrozenError> {
        let path = map.path();
        let damaged = |offset: u64, what: String| FrozenError::damaged(path, offset, what);
        let Some(bytes) = map.get(..HEADER as usize) else {
            return Err(damaged(map.len() as u64, format!("the file ends within its header of {HEADER} bytes")));
        };
        let header: Header = bytemuck::pod_read_unaligned(bytes);
        if header.magic != MAGIC {
            return Err(damaged(0, "this is no frozen file of skimmer".to_owned()));
        }
        if header.version != VERSION {
            return Err(FrozenError::Version { path: path.to_owned(), found: header.version, expected: VERSION });
        }
        if header.checksum != xxh3_64(&bytes[..bytes.len() - 8]) {
            return Err(damaged(HEADER - 8, "the header does not match its checksum".to_owned()));
        }
        if header.kind != kind as u32 {
            return Err(damaged(12, format!("the file is of kind {}, not {} ({kind:?})", header.kind, kind as u32)));
        }
        let mut end = HEADER;
        for section in header.sections.iter().filter(|section| !section.is_none()) {
            let sound = section.offset >= end && section.offset.is_multiple_of(ALIGNMENT);
            let Some(section_end) = section.offset.checked_add(section.bytes).filter(|_| sound) else {
                return Err(damaged(section.offset, "a section begins where it cannot".to_owned()));
            };
            end = section_end;
        }
        if map.len() as u64 != end {
            return Err(damaged(map.len() as u64, format!("the file is {} bytes long and should be {end}", map.len())));
        }
        Ok(header)
    }

    /// Whether all bytes read so far were the file's.
    ///
    /// # Errors
    /// [`FrozenError::Lost`].
    pub(super) fn intact(&self) -> Result<(), FrozenError> {
        Ok(self.map.intact()?)
    }

    /// `outcome`, unless the file lost bytes.
    pub(super) fn checked<T>(&self, outcome: Result<T, FrozenError>) -> Result<T, FrozenError> {
        self.map.checked(outcome)
    }

    /// The bytes of a section.
    #[inline]
    pub(super) fn section(&self, section: usize) -> &[u8] {
        let Section { offset, bytes, .. } = self.sections[section];
        // `open` found every section within the file.
        &self.map[offset as usize..(offset + bytes) as usize]
    }

    /// Where a section stands in the file.
    pub(super) fn range(&self, section: usize) -> Range<u64> {
        let Section { offset, bytes, .. } = self.sections[section];
        offset..offset + bytes
    }

    /// That something about the file's contents is wrong.
    pub(super) fn damaged(&self, offset: u64, what: impl Into<String>) -> FrozenError {
        FrozenError::damaged(self.map.path(), offset, what)
    }

    /// Reads everything, compares the checksums and looks for zeros between the sections.
    pub(super) fn verify(&self) -> Result<(), FrozenError> {
        self.checked(self.compare())
    }

    fn compare(&self) -> Result<(), FrozenError> {
        let mut end = HEADER;
        for section in self.sections.iter().filter(|section| !section.is_none()) {
            let (start, bytes) = (section.offset as usize, section.bytes as usize);
            if self.map[end as usize..start].iter().any(|&byte| byte != 0) {
                return Err(self.damaged(end, "there are bytes between two sections"));
            }
            if xxh3_64(&self.map[start..start + bytes]) != section.checksum {
                let what = format!("the section of {bytes} bytes from here does not match its checksum");
                return Err(self.damaged(section.offset, what));
            }
            end = section.offset + section.bytes;
        }
        Ok(())
    }
}
