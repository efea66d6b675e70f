//! A packed network in memory or in a mapped file.
//!
//! `"SKIMPACK" version:u32 precision:u32 depth:u64 width:u64 languages:u64 hidden:u64 checksum:u64 zero{72}`, then the
//! rows as they are in memory. All numbers are little-endian; the checksum is the XXH3-64 of the header's first 48
//! bytes and of the rows.

use std::io::Write;
use std::path::Path;

use skimlog_formats::mapped::MappedFile;
use skimlog_runtime::files::write_file;
use xxhash_rust::xxh3::Xxh3;

use super::layout::PackedLayout;
use crate::error::NetError;
use crate::tiles::Row;

const MAGIC: [u8; 8] = *b"SKIMPACK";
/// The version of the layout that this program writes and reads.
const VERSION: u32 = 2;
const HEADER: usize = size_of::<Row>();
/// Bytes of the header in front of the checksum.
const DESCRIBED: usize = 48;

/// A packed network.
pub(super) struct Packed {
    layout: PackedLayout,
    content: Content,
}

enum Content {
    Owned(Vec<Row>),
    Mapped(MappedFile),
}

impl Packed {
    pub(super) fn new(layout: PackedLayout, rows: Vec<Row>) -> Self {
        Self { layout, content: Content::Owned(rows) }
    }

    pub(super) fn layout(&self) -> &PackedLayout {
        &self.layout
    }

    pub(super) fn rows(&self) -> &[Row] {
        match &self.content {
            Content::Owned(rows) => rows,
            Content::Mapped(map) => bytemuck::cast_slice(&map[HEADER..]),
        }
    }

    pub(super) fn save(&self, path: &Path) -> Result<(), NetError> {
        let rows = bytemuck::cast_slice(self.rows());
        let mut header = header(&self.layout);
        let checksum = checksum(&header, rows);
        header[DESCRIBED..DESCRIBED + 8].copy_from_slice(&checksum.to_le_bytes());
        Ok(write_file(path, |out| {
            out.write_all(&header)?;
            out.write_all(rows)
        })?)
    }

    /// Maps a file and compares its checksum, which also brings it into memory.
    pub(super) fn open(path: &Path, layout: PackedLayout) -> Result<Self, NetError> {
        let map = MappedFile::open(path).map_err(|source| NetError::File { path: path.to_owned(), source })?;
        map.checked(check(&map, &layout))?;
        Ok(Self { layout, content: Content::Mapped(map) })
    }

    /// Whether all rows read so far were the file's.
    ///
    /// # Errors
    /// [`NetError::Lost`].
    pub(super) fn intact(&self) -> Result<(), NetError> {
        match &self.content {
            Content::Owned(_) => Ok(()),
            Content::Mapped(map) => Ok(map.intact()?),
        }
    }
}

/// Refuses a file that is not a whole network of this layout.
fn check(map: &MappedFile, layout: &PackedLayout) -> Result<(), NetError> {
    let damaged = |what: String| NetError::Packed { path: map.path().to_owned(), what };
    let expected = header(layout);
    if map.len() != HEADER + size_of::<Row>() * layout.rows {
        let bytes = HEADER + size_of::<Row>() * layout.rows;
        return Err(damaged(format!("{} bytes, a network of this shape has {bytes}", map.len())));
    }
    if map[..DESCRIBED] != expected[..DESCRIBED] {
        return Err(damaged("another version, precision or shape than the model's".to_owned()));
    }
    let found = checksum(&map[..HEADER], &map[HEADER..]);
    if map[DESCRIBED..DESCRIBED + 8] != found.to_le_bytes() {
        return Err(damaged("the checksum differs: the file is damaged, take it from its source again".to_owned()));
    }
    Ok(())
}

/// The header, its checksum still zero.
fn header(layout: &PackedLayout) -> [u8; HEADER] {
    let sizes = &layout.shape.layout;
    let numbers = [sizes.sketch_depth, sizes.sketch_width, sizes.languages, layout.shape.hidden];
    let mut header = [0; HEADER];
    header[..8].copy_from_slice(&MAGIC);
    header[8..12].copy_from_slice(&VERSION.to_le_bytes());
    header[12..16].copy_from_slice(&(layout.precision as u32).to_le_bytes());
    for (field, number) in header[16..DESCRIBED].as_chunks_mut().0.iter_mut().zip(numbers) {
        *field = (number as u64).to_le_bytes();
    }
    header
}

fn checksum(header: &[u8], rows: &[u8]) -> u64 {
    let mut hasher = Xxh3::new();
    hasher.update(&header[..DESCRIBED]);
    hasher.update(rows);
    hasher.digest()
}
