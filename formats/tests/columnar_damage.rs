//! A file that is cut short or has a wrong byte is an error that names the file and the byte, never a wrong value.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use skimlog_formats::columnar::{
    Advice, Column, ColumnRef, ColumnarError, Field, Reader, Schema, VERSION, ValueType, Writer, encode_block_advised,
};
use skimlog_formats::{Id, Lists};

/// A small file of many encodings in two blocks.
fn small_file() -> Vec<u8> {
    let rows = 90u32;
    let user = |row: u32| row * row % 17;
    let ids: Vec<Id> = (0..rows).map(|row| Id([user(row) as u8 + 1; 16])).collect();
    let followers: Vec<u32> = (0..rows).map(|row| user(row) * 1000 + row / 60).collect();
    let time: Vec<u32> = (0..rows).map(|row| 1_612_000_000 + row * 7919 % 1000).collect();
    let like: Vec<u32> = time.iter().map(|time| if time % 3 == 0 { time + time % 50 } else { 0 }).collect();
    let flags: Vec<bool> = (0..rows).map(|row| row % 5 == 0).collect();
    let lists: Lists<u16> =
        (0..rows).map(|row| vec![row as u16; row as usize % 3]).collect::<Vec<_>>().iter().map(Vec::as_slice).collect();
    let floats: Vec<f64> = (0..rows).map(|row| f64::from(row % 7) / 3.0).collect();
    let sparse: Vec<u32> = (0..rows).map(|row| if row % 3 == 0 { row * row } else { 0 }).collect();
    let constant = vec![9u64; rows as usize];
    let mut schema = Schema::new(
        "test",
        vec![
            Field::flat("user", ValueType::Id),
            Field::flat("followers", ValueType::U32),
            Field::flat("time", ValueType::U32),
            Field::flat("like", ValueType::U32),
            Field::flat("flags", ValueType::Bool),
            Field::list("lists", ValueType::U16),
            Field::flat("floats", ValueType::F64),
            Field::flat("constant", ValueType::U64),
            Field::flat("plain", ValueType::U32),
            Field::flat("sparse", ValueType::U32),
        ],
    );
    schema.metadata.insert("made by".into(), "a test".into());
    let columns = [
        ColumnRef::flat(&ids),
        ColumnRef::flat(&followers),
        ColumnRef::flat(&time),
        ColumnRef::flat(&like),
        ColumnRef::flat(&flags),
        ColumnRef::lists(&lists),
        ColumnRef::flat(&floats),
        ColumnRef::flat(&constant),
        ColumnRef::flat(&time),
        ColumnRef::flat(&sparse),
    ];
    let mut advice = [Advice::Auto; 10];
    (advice[1], advice[3], advice[8]) = (Advice::KeyedBy(0), Advice::RelativeTo(2), Advice::Plain);
    let block = encode_block_advised(&schema, &columns, &advice).unwrap();
    let mut writer = Writer::new(Vec::new(), &schema).unwrap();
    writer.append(block.clone()).unwrap();
    writer.append(block).unwrap();
    writer.finish().unwrap()
}

/// Reads everything there is in a file, and views what can be viewed.
fn read_all(path: &Path) -> Result<Vec<Column>, ColumnarError> {
    let reader = Reader::open(path)?;
    let mut columns = Vec::new();
    for block in 0..reader.blocks() {
        for field in 0..reader.schema().fields.len() {
            columns.push(reader.read(block, field)?);
            reader.chunk_info(block, field)?;
        }
    }
    Ok(columns)
}

fn assert_names_file_and_byte(error: &ColumnarError) {
    let message = error.to_string();
    assert!(message.contains("small.skim: byte "), "{message}");
}

#[test]
fn cut_short_anywhere() {
    let bytes = small_file();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small.skim");
    for length in 0..bytes.len() {
        fs::write(&path, &bytes[..length]).unwrap();
        let error = Reader::open(&path).expect_err("a file cut short");
        assert_names_file_and_byte(&error);
    }
    fs::write(&path, [&bytes[..], &[0]].concat()).unwrap();
    assert!(Reader::open(&path).is_err(), "a byte too many");
}

#[test]
fn any_wrong_byte() {
    let bytes = small_file();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small.skim");
    fs::write(&path, &bytes).unwrap();
    let sound = read_all(&path).unwrap();
    assert_eq!(sound.len(), 20);
    for at in 0..bytes.len() {
        for flip in [0x01, 0xFF] {
            let mut damaged = bytes.clone();
            damaged[at] ^= flip;
            // A new file each time: a map of the old one must not see the change.
            fs::remove_file(&path).unwrap();
            fs::write(&path, &damaged).unwrap();
            let error = read_all(&path).expect_err("a file with a wrong byte");
            assert_names_file_and_byte(&error);
            let verified = Reader::open(&path).and_then(|reader| reader.verify());
            assert!(verified.is_err(), "byte {at}");
            if let Ok(reader) = Reader::open(&path) {
                let damaged_view = (0..2).filter(|&block| reader.view::<u32>(block, 8).is_none()).count();
                assert_eq!(damaged_view, usize::from(error.to_string().contains("\"plain\"")));
            }
        }
    }
}

#[test]
fn another_version_and_another_file() {
    let bytes = small_file();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small.skim");
    let mut newer = bytes.clone();
    newer[8] = VERSION as u8 + 1;
    fs::write(&path, newer).unwrap();
    let message = Reader::open(&path).unwrap_err().to_string();
    assert!(message.contains("byte 8: format version 4, this program reads versions 1 to 3"), "{message}");
    fs::write(&path, vec![b'x'; 1000]).unwrap();
    assert!(matches!(Reader::open(&path), Err(ColumnarError::NotSkim { .. })));
    let missing = Reader::open(folder.path().join("missing.skim")).unwrap_err().to_string();
    assert!(missing.contains("missing.skim: cannot open"), "{missing}");
}

/// The bytes of a block of a file with two, after it was opened and cut to so many bytes.
fn cut_while_open(left: impl Fn(u64) -> u64) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.skim");
    let values: Vec<u64> = (0..60_000u64).map(|value| value.wrapping_mul(0x9E37_79B9_7F4A_7C15)).collect();
    let schema = Schema::new("test", vec![Field::flat("value", ValueType::U64)]);
    let columns = [ColumnRef::flat(&values)];
    let block = encode_block_advised(&schema, &columns, &[Advice::Plain]).unwrap();
    let mut writer = Writer::new(Vec::new(), &schema).unwrap();
    writer.append(block.clone()).unwrap();
    writer.append(block).unwrap();
    fs::write(&path, writer.finish().unwrap()).unwrap();
    let reader = Reader::open(&path).unwrap();
    assert_eq!(reader.view::<u64>(1, 0).unwrap(), values);
    reader.intact().unwrap();

    let length = fs::metadata(&path).unwrap().len();
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(left(length)).unwrap();
    let lost = [
        reader.read(1, 0).map(drop),
        reader.flat::<u64>(0, 0).map(drop),
        reader.verify(),
        reader.chunk_info(1, 0).map(drop),
        reader.intact(),
    ];
    for outcome in lost {
        let said = outcome.unwrap_err().to_string();
        assert!(said.contains("cut.skim became shorter while it was read"), "{said}");
    }
    if let Some(view) = reader.view::<u64>(1, 0) {
        // Whatever it holds, it can be read.
        std::hint::black_box(view.iter().fold(0, |sum: u64, value| sum.wrapping_add(*value)));
    }
    assert!(matches!(reader.intact(), Err(ColumnarError::Lost(_))));
}

#[test]
fn a_file_cut_while_it_is_read_is_named() {
    cut_while_open(|_| 0);
    cut_while_open(|length| length / 2);
    cut_while_open(|length| length - 1);
}
