//! Export and inspection of `.skim` files through the public API.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field as Cell;
use skimlog::pipeline::export::{ExportError, ParquetTimes, export_parquet, export_tsv};
use skimlog::pipeline::inspect;
use skimlog_formats::columnar::{ColumnRef, Field, Reader, Schema, ValueType, Writer, encode_block};
use skimlog_formats::{Id, Lists};
use skimlog_import::ids::{Dictionaries, IdsError};
use skimlog_runtime::progress::Silent;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

fn part() -> Reader {
    Reader::open(fixture("part-v1.skim")).unwrap()
}

/// The raw records that the fixture was made from.
fn raw_lines() -> Vec<Vec<u8>> {
    let raw = fs::read(fixture("golden/small/raw/train/part-00000")).unwrap();
    raw.split_inclusive(|&byte| byte == b'\n').take(300).map(<[u8]>::to_vec).collect()
}

fn tsv(reader: Reader, columns: Option<&[&str]>) -> Result<String, ExportError> {
    let columns: Option<Vec<String>> = columns.map(|names| names.iter().map(|&name| name.to_owned()).collect());
    let mut text = Vec::new();
    export_tsv(reader, columns.as_deref(), &Dictionaries::default(), &mut text, &Silent)?;
    Ok(String::from_utf8(text).unwrap())
}

fn parquet_file(reader: Reader, columns: Option<&[&str]>) -> SerializedFileReader<fs::File> {
    parquet_file_with(reader, columns, ParquetTimes::Timestamps).unwrap()
}

fn parquet_file_with(
    reader: Reader,
    columns: Option<&[&str]>,
    times: ParquetTimes,
) -> Result<SerializedFileReader<fs::File>, ExportError> {
    let columns: Option<Vec<String>> = columns.map(|names| names.iter().map(|&name| name.to_owned()).collect());
    let mut file = tempfile::tempfile().unwrap();
    export_parquet(reader, columns.as_deref(), times, &Dictionaries::default(), &mut file, &Silent)?;
    Ok(SerializedFileReader::new(file).unwrap())
}

/// A file of every type in three blocks.
fn every_type(folder: &Path) -> Reader {
    let schema = Schema::new(
        "test",
        vec![
            Field::flat("flag", ValueType::Bool),
            Field::flat("tiny", ValueType::U8),
            Field::list("short", ValueType::U16),
            Field::flat("large.number", ValueType::U64),
            Field::flat("single", ValueType::F32),
            Field::list("double", ValueType::F64),
            Field::list("ids", ValueType::Id),
            Field::flat("signed", ValueType::I64),
        ],
    );
    let lists: Lists<u16> = [&[1, 65_535][..], &[]].into_iter().collect();
    let doubles: Lists<f64> = [&[][..], &[0.1, -1.5, 3.0]].into_iter().collect();
    let ids: Lists<Id> = [&[Id([0xAB; 16])][..], &[Id([0; 16]), Id([1; 16])]].into_iter().collect();
    let columns = [
        ColumnRef::flat(&[true, false]),
        ColumnRef::flat(&[0u8, 255]),
        ColumnRef::lists(&lists),
        ColumnRef::flat(&[u64::MAX, 0]),
        ColumnRef::flat(&[0.1f32, 1e-7]),
        ColumnRef::lists(&doubles),
        ColumnRef::lists(&ids),
        ColumnRef::flat(&[i64::MIN, 5]),
    ];
    let mut writer = Writer::new(Vec::new(), &schema).unwrap();
    (0..3).for_each(|_| writer.append(encode_block(&schema, &columns).unwrap()).unwrap());
    let path = folder.join("test.skim");
    fs::write(&path, writer.finish().unwrap()).unwrap();
    Reader::open(path).unwrap()
}

#[test]
fn a_part_becomes_its_raw_records_again() {
    assert_eq!(tsv(part(), None).unwrap().into_bytes(), raw_lines().concat());
}

#[test]
fn selected_columns_become_a_headed_table() {
    let text = tsv(part(), Some(&["like_time", "media", "tweet", "tokens", "reader_verified", "tweet_type"])).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("like_time\tmedia\ttweet\ttokens\treader_verified\ttweet_type"));
    let mut rows = 0;
    for (line, raw) in lines.zip(raw_lines()) {
        let raw = String::from_utf8(raw).unwrap();
        let fields: Vec<&str> = raw.trim_end_matches('\n').split('\u{1}').collect();
        let (media, tokens) = (fields[3].replace('\t', ","), fields[0].replace('\t', ","));
        assert_eq!(line, [fields[23], &media, fields[2], &tokens, fields[17], fields[6]].join("\t"));
        rows += 1;
    }
    assert_eq!(rows, 300);
}

fn every_types_text() -> String {
    let rows = format!(
        "true\t0\t1,65535\t18446744073709551615\t0.1\t\t{}\t-9223372036854775808\n\
         false\t255\t\t0\t0.0000001\t0.1,-1.5,3\t{},{}\t5\n",
        "AB".repeat(16),
        "00".repeat(16),
        "01".repeat(16)
    );
    format!("flag\ttiny\tshort\tlarge.number\tsingle\tdouble\tids\tsigned\n{}", rows.repeat(3))
}

#[test]
fn every_type_has_its_text() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(tsv(every_type(folder.path()), None).unwrap(), every_types_text());
}

/// `fixtures/types-v1.skim` and the others are what these versions made of [`every_type`]; signed numbers came with
/// version 3.
#[test]
fn every_type_of_every_version_is_read() {
    let text = every_types_text();
    for (version, expected) in [(1, without_last_column(&text)), (2, without_last_column(&text)), (3, text)] {
        let file = Reader::open(fixture(&format!("types-v{version}.skim"))).unwrap();
        assert_eq!((file.version(), tsv(file, None).unwrap()), (version, expected));
    }
}

fn without_last_column(text: &str) -> String {
    text.lines().map(|line| line.rsplit_once('\t').unwrap().0.to_owned() + "\n").collect()
}

#[test]
fn wrong_selections_are_named() {
    assert!(tsv(part(), Some(&["tokens", "tokens"])).unwrap_err().to_string().contains("\"tokens\" is selected twice"));
    let message = tsv(part(), Some(&["likes"])).unwrap_err().to_string();
    assert!(message.contains("no column \"likes\"; it has tokens, hashtags"), "{message}");
}

/// The text a Parquet cell would have in the raw record.
fn raw_text(cell: &Cell) -> String {
    match cell {
        Cell::Null => String::new(),
        Cell::ListInternal(list) => list.elements().iter().map(raw_text).collect::<Vec<_>>().join("\t"),
        Cell::Str(text) => text.clone(),
        Cell::UInt(number) => number.to_string(),
        Cell::Long(number) => number.to_string(),
        Cell::TimestampMillis(time) => {
            assert_eq!(time % 1_000, 0);
            (time / 1_000).to_string()
        }
        Cell::Bool(flag) => flag.to_string(),
        other => panic!("unexpected cell {other:?}"),
    }
}

#[test]
fn a_part_in_parquet_has_the_raw_records_values() {
    let file = parquet_file(part(), None);
    assert_eq!(file.metadata().file_metadata().num_rows(), 300);
    let mut rows = 0;
    for (row, raw) in file.get_row_iter(None).unwrap().zip(raw_lines()) {
        let cells: Vec<String> = row.unwrap().get_column_iter().map(|(_, cell)| raw_text(cell)).collect();
        assert_eq!(format!("{}\n", cells.join("\u{1}")).into_bytes(), raw);
        rows += 1;
    }
    assert_eq!(rows, 300);
}

#[test]
fn times_in_parquet_are_timestamps_or_any_number_of_seconds() {
    let columns = ["tweet_time", "like_time"];
    let unusual = || Reader::open(fixture("part-v3.skim")).unwrap();
    let message = match parquet_file_with(unusual(), Some(&columns), ParquetTimes::Timestamps) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("9223372036854775807 seconds are no timestamp"),
    };
    assert!(message.contains("column \"tweet_time\", row ") && message.contains("--times seconds"), "{message}");
    let file = parquet_file_with(unusual(), Some(&columns), ParquetTimes::Seconds).unwrap();
    let text = tsv(unusual(), Some(&columns)).unwrap();
    assert!(text.contains("9223372036854775807\t") && text.contains("\t\n") && text.contains("\t-"));
    for (row, line) in file.get_row_iter(None).unwrap().zip(text.lines().skip(1)) {
        let cells: Vec<String> = row.unwrap().get_column_iter().map(|(_, cell)| raw_text(cell)).collect();
        assert_eq!(cells.join("\t"), line);
    }
}

#[test]
fn every_type_has_its_parquet_type() {
    let folder = tempfile::tempdir().unwrap();
    let file = parquet_file(every_type(folder.path()), None);
    let row = file.get_row_iter(None).unwrap().nth(5).unwrap().unwrap();
    assert_eq!(
        row.to_string(),
        format!(
            "{{flag: false, tiny: 255, short: [], large.number: 0, single: 0.0000001, double: [0.1, -1.5E0, 3.0], \
             ids: [\"{}\", \"{}\"], signed: 5}}",
            "00".repeat(16),
            "01".repeat(16)
        )
    );
    let first = file.get_row_iter(None).unwrap().next().unwrap().unwrap();
    assert!(first.to_string().contains(&format!("short: [1, 65535], large.number: {}", u64::MAX)), "{first}");
    let some = parquet_file(every_type(folder.path()), Some(&["double", "flag"]));
    let names: Vec<&str> =
        some.metadata().file_metadata().schema().get_fields().iter().map(|field| field.name()).collect();
    assert_eq!(names, ["double", "flag"]);
}

#[test]
fn ranges_of_signed_numbers_span_all_blocks() {
    let schema = Schema::new("test", vec![Field::flat("signed", ValueType::I64)]);
    let mut writer = Writer::new(Vec::new(), &schema).unwrap();
    for numbers in [[0i64, 5], [-7, 3], [1, 9]] {
        writer.append(encode_block(&schema, &[ColumnRef::flat(&numbers)]).unwrap()).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("signed.skim");
    fs::write(&path, writer.finish().unwrap()).unwrap();
    let about = inspect::describe(&Reader::open(&path).unwrap()).unwrap();
    let signed = about.columns.last().unwrap();
    assert_eq!((signed.minimum.as_deref(), signed.maximum.as_deref()), (Some("-7"), Some("9")));
    // No reaction is no time.
    let part = Reader::open(fixture("part-v3.skim")).unwrap();
    let about = inspect::describe(&part).unwrap();
    let like = about.columns.last().unwrap();
    assert_eq!((like.minimum.as_deref(), like.maximum.as_deref()), (Some("none"), Some("9223372036854775807")));
}

#[test]
fn a_description_has_every_column() {
    let about = inspect::describe(&part()).unwrap();
    assert_eq!((about.kind.as_str(), about.rows, about.blocks, about.columns.len()), ("part", 300, 1, 24));
    let tokens = &about.columns[0];
    assert_eq!((tokens.name.as_str(), tokens.value_type.as_str()), ("tokens", "list of u32"));
    let raw_tokens = raw_lines().into_iter().map(|line| {
        let text = line.into_iter().take_while(|&byte| byte != 1);
        1 + text.filter(|&byte| byte == b'\t').count() as u64
    });
    assert_eq!(tokens.values, raw_tokens.sum::<u64>());
    assert_eq!((tokens.minimum.as_deref(), tokens.encodings[0].1), (Some("101"), 1));
    let table = about.to_string();
    assert!(table.contains("part, format version 1\n300 rows in 1 block"), "{table}");
    for column in &about.columns {
        assert!(table.contains(&column.name));
    }
    let json = serde_json::to_value(&about).unwrap();
    assert_eq!(json["columns"][0]["type"], "list of u32");

    let first_rows = |reader: &Reader, rows| {
        let mut shown = Vec::new();
        let show = |number, row| {
            shown.push((number, row));
            Ok::<(), IdsError>(())
        };
        inspect::first_rows(reader, &Dictionaries::default(), rows, show).unwrap();
        shown
    };
    let rows = first_rows(&part(), 2);
    assert_eq!(rows.iter().map(|(number, row)| (*number, row.len())).collect::<Vec<_>>(), [(0, 24), (1, 24)]);
    let raw = String::from_utf8(raw_lines()[1].clone()).unwrap();
    let tokens = raw.split('\u{1}').next().unwrap().replace('\t', ",");
    assert_eq!(rows[1].1[0], ("tokens".to_owned(), tokens));
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(first_rows(&every_type(folder.path()), 3).len(), 3);
}
