//! The ids of a log in what `inspect` and `export` show, where a dictionary stands beside the part.

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, RowAccessor};
use serde_json::Value;
use skimlog_formats::part::{PartReader, PartWriter, encode};
use skimlog_formats::record::{Columns, RecordBatch};
use skimlog_formats::{Id, Lists};
use skimlog_import::ids::IdDictionaryBuilder;
use skimlog_runtime::shuffle::{Pool, Scratch};

use crate::harness::{fixture, golden_lines, run, stderr, success};

/// Reader ids of the first rows, one of them 32 hexadecimal digits, some with characters that tables use.
fn readers() -> Vec<String> {
    let mut readers: Vec<String> = (0..300).map(|row| format!("did:plc:{}", row % 40)).collect();
    let unusual = ["a\tb\\c,d\ne", "Łódź 🎈", "", "0123456789ABCDEF0123456789ABCDEF", "\u{1b}[31mred"];
    readers.iter_mut().zip(unusual).for_each(|(reader, unusual)| *reader = unusual.to_owned());
    readers
}

/// A part with these readers in each of its blocks, two hashtags a row and, beside it, their dictionary. All other ids
/// are those of the golden part, which the dictionary does not have.
fn imported(folder: &Path, blocks: usize) -> PathBuf {
    imported_with(folder, blocks, [b"a,b", b"c"])
}

/// The same with other hashtags.
fn imported_with(folder: &Path, blocks: usize, tags: [&[u8]; 2]) -> PathBuf {
    let mut batch: RecordBatch = PartReader::open(fixture("part-v1.skim")).unwrap().read(0, Columns::ALL).unwrap();
    let scratch = Scratch::prepare(folder.join("scratch")).unwrap();
    let pool = Pool::new(1 << 20);
    let builder = IdDictionaryBuilder::new("ids", NonZeroUsize::MIN, &pool, &scratch);
    let mut collector = builder.collector();
    batch.reader.id = readers().iter().map(|reader| collector.add(reader.as_bytes()).unwrap()).collect();
    let hashtags: Vec<Id> = tags.map(|tag| collector.add(tag).unwrap()).to_vec();
    batch.hashtags = (0..batch.rows).map(|_| &hashtags[..]).collect::<Lists<Id>>();
    drop(collector);
    builder.finish(&folder.join("part-00000.ids")).unwrap();
    let path = folder.join("part-00000.skim");
    let mut writer = PartWriter::new(fs::File::create(&path).unwrap(), true).unwrap();
    (0..blocks).for_each(|_| writer.append(encode(&batch).unwrap()).unwrap());
    writer.finish().unwrap();
    path
}

fn arguments<'a>(command: &'a str, file: &'a Path, options: &[&'a str]) -> Vec<&'a str> {
    [&[command, file.to_str().unwrap()], options].concat()
}

fn stdout(command: &str, file: &Path, options: &[&str]) -> String {
    String::from_utf8(success(run(arguments(command, file, options))).stdout).unwrap()
}

#[test]
fn tables_and_parquet_have_the_ids_of_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let part = imported(folder.path(), 2);
    let columns = ["--to", "tsv", "--columns", "reader,hashtags,author"];
    let table = stdout("export", &part, &columns);
    let golden = golden_lines("train/part-00000", 300);
    let author = |row: usize| String::from_utf8(golden[row].split(|&byte| byte == 1).nth(9).unwrap().to_vec()).unwrap();
    let escaped = |text: &str| text.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n");
    let line = |(row, reader): (usize, String)| format!("{}\ta\\,b,c\t{}\n", escaped(&reader), author(row));
    let expected: String = (0..).zip(readers()).map(line).collect();
    assert_eq!(table, format!("reader\thashtags\tauthor\n{}", expected.repeat(2)));
    assert_eq!(table, stdout("export", &part, &[&columns[..], &["--ids", "own"]].concat()));

    let parquet = folder.path().join("part.parquet");
    let to_parquet = ["--to", "parquet", "-o", parquet.to_str().unwrap()];
    stdout("export", &part, &to_parquet);
    let own = SerializedFileReader::new(fs::File::open(&parquet).unwrap()).unwrap();
    let names = own.metadata().file_metadata().schema().get_fields();
    let [reader, hashtags] =
        ["reader", "hashtags"].map(|name| names.iter().position(|field| field.name() == name).unwrap());
    let mut rows = 0;
    for (row, expected) in own.get_row_iter(None).unwrap().zip([readers(), readers()].concat()) {
        let row = row.unwrap();
        assert_eq!(row.get_string(reader).unwrap(), &expected);
        let tags: Vec<Field> = row.get_list(hashtags).unwrap().elements().to_vec();
        assert_eq!(tags, ["a,b", "c"].map(|tag| Field::Str(tag.to_owned())));
        rows += 1;
    }
    assert_eq!(rows, 600);

    let hashed = stdout("export", &part, &[&columns[..], &["--ids", "hash"]].concat());
    assert_ne!(hashed, table);
    fs::remove_file(folder.path().join("part-00000.ids")).unwrap();
    assert_eq!(stdout("export", &part, &columns), hashed);
}

#[test]
fn raw_records_can_be_converted_again() {
    let folder = tempfile::tempdir().unwrap();
    let part = imported(folder.path(), 1);
    let raw = stdout("export", &part, &["--to", "tsv"]);
    assert!(!raw.contains("did:plc"));
    let (text, again) = (folder.path().join("raw"), folder.path().join("again.skim"));
    fs::write(&text, raw).unwrap();
    success(run(["convert", text.to_str().unwrap(), "-o", again.to_str().unwrap()]));
    assert!(fs::read(again).unwrap() == fs::read(&part).unwrap());
    let refused = run(arguments("export", &part, &["--to", "tsv", "--ids", "own"]));
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("for own ids, select --columns or write --to parquet"), "{}", stderr(&refused));
}

#[test]
fn rows_are_shown_with_the_ids_of_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let part = imported(folder.path(), 1);
    let rows: Value = serde_json::from_str(&stdout("inspect", &part, &["--rows", "3", "--json"])).unwrap();
    for (row, reader) in readers().iter().take(3).enumerate() {
        assert_eq!(rows["first_rows"][row]["reader"], **reader);
        assert_eq!(rows["first_rows"][row]["hashtags"], "a,b,c");
    }
    let text = stdout("inspect", &part, &["--rows", "5"]);
    assert!(text.contains("Łódź") && text.contains("\u{FFFD}[31mred") && !text.contains('\u{1b}'), "{text}");
    assert!(!stdout("inspect", &part, &["--rows", "5", "--ids", "hash"]).contains("Łódź"));

    let refused = run(arguments("inspect", &fixture("part-v3.skim"), &["--rows", "1", "--ids", "own"]));
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("no dictionary of ids stands beside "), "{}", stderr(&refused));
}

#[test]
fn a_damaged_dictionary_stops_what_needs_it_only() {
    let folder = tempfile::tempdir().unwrap();
    let part = imported(folder.path(), 1);
    let dictionary = folder.path().join("part-00000.ids");
    let mut bytes = fs::read(&dictionary).unwrap();
    // The first block's chunk of texts.
    bytes[64 + 64] ^= 1;
    fs::write(&dictionary, bytes).unwrap();
    let parquet = folder.path().join("part.parquet");
    let to_parquet = ["--to", "parquet", "-o", parquet.to_str().unwrap()];
    for failed in [
        run(arguments("export", &part, &to_parquet)),
        run(arguments("inspect", &part, &["--rows", "1"])),
        run(arguments("inspect", &dictionary, &["--verify"])),
    ] {
        assert_eq!(failed.status.code(), Some(1));
        let message = stderr(&failed);
        assert!(message.contains("part-00000.ids: byte ") && message.contains("checksum"), "{message}");
    }
    assert!(!parquet.exists());
    stdout("export", &part, &["--to", "tsv"]);
    stdout("export", &part, &[&to_parquet[..], &["--ids", "hash"]].concat());
    stdout("inspect", &part, &[]);
    let over = run(arguments("export", &part, &["--to", "parquet", "-o", dictionary.to_str().unwrap()]));
    assert!(stderr(&over).contains("is also an input"), "{}", stderr(&over));
}

#[test]
fn a_dictionary_is_described_and_exported() {
    let dictionary = fixture("ids-v3.ids");
    let card = stdout("inspect", &dictionary, &[]);
    let about: Value = serde_json::from_str(&stdout("inspect", &dictionary, &["--json", "--verify"])).unwrap();
    let number = about["rows"].as_u64().unwrap();
    assert_eq!(about["kind"], "ids");
    let first = about["first_rows"].as_array().unwrap();
    assert_eq!(first.len(), 5);
    for row in first {
        let line = format!("{}  {}", row["id"].as_str().unwrap(), row["text"].as_str().unwrap());
        assert!(card.lines().any(|shown| shown == line), "{line}: {card}");
    }

    let table = stdout("export", &dictionary, &["--to", "tsv"]);
    let folder = tempfile::tempdir().unwrap();
    let parquet = folder.path().join("ids.parquet");
    stdout("export", &dictionary, &["--to", "parquet", "-o", parquet.to_str().unwrap()]);
    let file = SerializedFileReader::new(fs::File::open(parquet).unwrap()).unwrap();
    let mut lines = table.lines();
    assert_eq!(lines.next(), Some("id\ttext"));
    let mut rows = 0;
    for (line, row) in lines.zip(file.get_row_iter(None).unwrap()) {
        let row = row.unwrap();
        let (id, text) = (row.get_string(0).unwrap(), row.get_string(1).unwrap());
        assert_eq!(line, format!("{id}\t{text}"));
        assert_eq!(skimlog_import::identity::id_of(text.as_bytes()).to_string(), *id);
        rows += 1;
    }
    assert_eq!(rows, number);
    assert_eq!(
        stdout("export", &dictionary, &["--to", "tsv", "--columns", "first"]).lines().count() as u64,
        number + 1
    );
}

#[test]
fn an_own_id_that_is_no_text_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let part = imported_with(folder.path(), 1, [b"c", b"\xFF"]);
    let parquet = folder.path().join("part.parquet");
    let to_parquet = ["--to", "parquet", "-o", parquet.to_str().unwrap()];
    let message = stderr(&run(arguments("export", &part, &to_parquet)));
    assert!(message.contains("column \"hashtags\", row 0: an own id is not UTF-8"), "{message}");
    assert!(message.contains("--ids hash") && !parquet.exists(), "{message}");
    stdout("export", &part, &[&to_parquet[..], &["--ids", "hash"]].concat());
    let table = run(arguments("export", &part, &["--to", "tsv", "--columns", "hashtags"]));
    assert!(success(table).stdout.starts_with(b"hashtags\nc,\xFF\n"));
}
