//! Files whose checksums are right and whose contents are not: no panic, and no claim is believed.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

use super::block::{Advice, EncodedBlock, encode_block_advised};
use super::chunk::ChunkWriter;
use super::column::ColumnRef;
use super::footer::ChunkEntry;
use super::{Field, Reader, Schema, TRAILER_BYTES, ValueType, Writer};
use crate::{Id, Lists};

// The tags that `COLUMNAR.md` gives columns and nodes.
const FLAT: u8 = 0;
const LIST: u8 = 1;
const KEYED: u8 = 2;
const RELATIVE: u8 = 3;

const PLAIN: u8 = 0;
const CONSTANT: u8 = 1;
const PACKED: u8 = 2;
const SLOTS: u8 = 3;
const PLANES: u8 = 4;
const DELTA: u8 = 5;
const DICTIONARY: u8 = 6;
const FRESH: u8 = 7;
const SPARSE: u8 = 8;

fn schema() -> Schema {
    Schema::new(
        "hostile",
        vec![
            Field::flat("id", ValueType::Id),
            Field::flat("number", ValueType::U32),
            Field::list("list", ValueType::U32),
            Field::flat("near", ValueType::U32),
            Field::flat("flag", ValueType::Bool),
        ],
    )
}

const ROWS: u32 = 200;

fn block() -> EncodedBlock {
    let ids: Vec<Id> = (0..ROWS).map(|row| Id([(row * row % 23) as u8; 16])).collect();
    let numbers: Vec<u32> = (0..ROWS).map(|row| (row * row % 23) * 70_001 + 3).collect();
    let lists: Vec<Vec<u32>> =
        (0..ROWS).map(|row| (0..row % 7).map(|item| (item * item) << (row % 11)).collect()).collect();
    let lists: Lists<u32> = lists.iter().map(Vec::as_slice).collect();
    let near: Vec<u32> = numbers.iter().map(|number| if number % 2 == 0 { 0 } else { number + number % 9 }).collect();
    let flags: Vec<bool> = (0..ROWS).map(|row| row % 3 == 0).collect();
    let columns = [
        ColumnRef::flat(&ids),
        ColumnRef::flat(&numbers),
        ColumnRef::lists(&lists),
        ColumnRef::flat(&near),
        ColumnRef::flat(&flags),
    ];
    let advice = [Advice::Auto, Advice::KeyedBy(0), Advice::Auto, Advice::RelativeTo(1)];
    encode_block_advised(&schema(), &columns, &advice).unwrap()
}

fn file(block: EncodedBlock) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), &schema()).unwrap();
    writer.append(block).unwrap();
    writer.finish().unwrap()
}

/// Reads and describes every column; what comes out does not matter here, only that nothing panics.
fn read_all(path: &Path) {
    let Ok(reader) = Reader::open(path) else { return };
    for block in 0..reader.blocks() {
        for field in 0..reader.schema().fields.len() {
            let _ = (reader.read(block, field), reader.chunk_info(block, field));
        }
    }
}

fn start_of(block: &EncodedBlock, field: usize) -> usize {
    block.chunks[..field].iter().map(|chunk| chunk.length as usize).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn changed_chunks_with_right_checksums(
        field in 0..5usize,
        changes in prop::collection::vec((any::<u16>(), any::<u8>()), 1..4),
        in_description in prop::bool::weighted(0.8),
    ) {
        let mut block = block();
        let start = start_of(&block, field);
        let ChunkEntry { data_length, description_length, .. } = block.chunks[field];
        let (data, description) = (data_length as usize, description_length as usize);
        let (from, length) = if in_description || data == 0 { (start + data, description) } else { (start, data) };
        for (at, byte) in changes {
            block.bytes[from + usize::from(at) % length] = byte;
        }
        let length = block.chunks[field].length as usize;
        block.chunks[field].checksum = xxh3_64(&block.bytes[start..start + length]);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hostile.skim");
        fs::write(&path, file(block)).unwrap();
        read_all(&path);
    }

    #[test]
    fn changed_footers_with_right_checksums(changes in prop::collection::vec((any::<u16>(), any::<u8>()), 1..4)) {
        let mut bytes = file(block());
        let trailer = bytes.len() - TRAILER_BYTES;
        let length = u64::from_le_bytes(bytes[trailer..trailer + 8].try_into().unwrap()) as usize;
        for (at, byte) in changes {
            bytes[trailer - length + usize::from(at) % length] = byte;
        }
        let checksum = xxh3_64(&bytes[trailer - length..trailer]);
        bytes[trailer + 8..trailer + 16].copy_from_slice(&checksum.to_le_bytes());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hostile.skim");
        fs::write(&path, bytes).unwrap();
        read_all(&path);
    }
}

/// Puts a chunk of our own making in the place of a field's and says whether it is refused.
fn refused(field: usize, make: impl FnOnce(&mut ChunkWriter)) -> bool {
    let mut block = block();
    let mut chunk = ChunkWriter::default();
    make(&mut chunk);
    let (data, description) = chunk.finish(0);
    let bytes = chunk.bytes;
    let start = start_of(&block, field);
    let old = block.chunks[field].clone();
    block.bytes.splice(start..start + old.length as usize, bytes.iter().copied());
    block.chunks[field] = ChunkEntry {
        length: bytes.len() as u32,
        data_length: data as u32,
        description_length: description as u32,
        checksum: xxh3_64(&bytes),
        ..old
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hostile.skim");
    fs::write(&path, file(block)).unwrap();
    Reader::open(&path).unwrap().read(0, field).is_err()
}

/// A flat column of u32.
const NUMBER: usize = 1;

/// The same of a node of numbers.
fn number(make: impl FnOnce(&mut ChunkWriter)) -> bool {
    refused(NUMBER, |chunk| {
        chunk.tag(FLAT);
        make(chunk);
    })
}

fn constant(chunk: &mut ChunkWriter, value: u32) {
    chunk.tag(CONSTANT);
    chunk.value(value);
}

// Whatever a description claims is refused before anything is allocated for it.

#[test]
fn absurd_leaves_are_refused() {
    assert!(!number(|chunk| constant(chunk, 7)), "a sound chunk is read");
    assert!(number(|chunk| chunk.tag(99)), "an unknown encoding");
    assert!(number(|chunk| (0..200).for_each(|_| chunk.tag(DELTA))), "too deep");
    assert!(number(|chunk| {
        chunk.tag(PLAIN);
        chunk.raw_stream(&[0; 4 * ROWS as usize - 1]);
    }));
    for bits in [0, 33, 57, 255] {
        assert!(number(|chunk| {
            chunk.tag(PACKED);
            chunk.value(0u32);
            chunk.tag(bits);
            chunk.raw_stream(&[0; 1000]);
        }));
    }
    assert!(number(|chunk| {
        chunk.tag(SLOTS);
        chunk.value(0u32);
        chunk.raw_stream(&[239; ROWS as usize]);
        chunk.raw_stream(&[0; 20]);
    }));
    assert!(number(|chunk| {
        chunk.tag(SLOTS);
        chunk.value(0u32);
        chunk.raw_stream(&[240; ROWS as usize]);
        chunk.raw_stream(&[0; 8]);
    }));
    assert!(number(|chunk| {
        chunk.tag(PLANES);
        chunk.value(0u32);
        chunk.tag(5);
    }));
}

#[test]
fn absurd_nodes_in_nodes_are_refused() {
    for size in [0, 1, ROWS, ROWS + 1, u32::MAX] {
        assert!(number(|chunk| {
            chunk.tag(DICTIONARY);
            chunk.count(size as usize);
            constant(chunk, 1);
            constant(chunk, size);
        }));
    }
    // A bit a value: too few bytes, bits behind the last value, more and fewer others than bits.
    let sparse = |others: usize, bits: &[u8]| {
        number(|chunk| {
            chunk.tag(SPARSE);
            chunk.value(0u32);
            chunk.count(others);
            chunk.raw_stream(bits);
            constant(chunk, 5);
        })
    };
    let bits = [0x11; ROWS.div_ceil(8) as usize];
    assert!(!sparse(50, &bits), "a sound chunk is read");
    assert!(sparse(48, &bits[1..]) && sparse(49, &bits) && sparse(51, &bits));
    assert!(sparse(u32::MAX as usize, &bits) && sparse(ROWS as usize + 1, &[0xFF; ROWS.div_ceil(8) as usize]));
    assert!(number(|chunk| {
        chunk.tag(FRESH);
        constant(chunk, 5);
    }));
}

#[test]
fn absurd_streams_are_refused() {
    // A stream that claims to hold 4 GB.
    assert!(number(|chunk| {
        chunk.tag(PLAIN);
        chunk.tag(1);
        chunk.count(u32::MAX as usize);
        chunk.count(0);
    }));
    assert!(number(|chunk| {
        chunk.tag(PLAIN);
        chunk.tag(0);
        chunk.count(4 * ROWS as usize);
        chunk.count(4 * ROWS as usize);
    }));
}

#[test]
fn absurd_columns_are_refused() {
    // Lists of 4 billion items each.
    assert!(refused(2, |chunk| {
        chunk.tag(LIST);
        constant(chunk, u32::MAX);
        constant(chunk, 1);
    }));
    for (key, kept) in [(0, ROWS + 1), (1, 5), (2, 5), (4, 5), (99, 5), (0, 0), (0, 5)] {
        assert!(refused(NUMBER, |chunk| {
            chunk.tag(KEYED);
            chunk.field(key);
            chunk.count(kept as usize);
            constant(chunk, 0);
            chunk.tag(FLAT);
            constant(chunk, 3);
        }));
    }
    for reference in [0, 2, 3, 4, 99] {
        assert!(refused(3, |chunk| {
            chunk.tag(RELATIVE);
            chunk.field(reference);
            constant(chunk, 3);
        }));
    }
    assert!(refused(4, |chunk| {
        chunk.tag(FLAT);
        chunk.tag(CONSTANT);
        chunk.tag(2);
    }));
}
