//! What is wrong with a log or its mapping is one sentence: which file, row and column, and the remedy.

use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::types::{Int32Type, UInt32Type};
use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, DictionaryArray, FixedSizeBinaryArray, Float64Array, Int64Array,
    LargeListArray, ListArray, ListViewArray, RecordBatch, StringArray, StructArray, TimestampMillisecondArray,
    TimestampSecondArray, UInt64Array,
};
use arrow_schema::{DataType, Field, Fields};

use crate::files::{arrow_file, arrow_stream, gz, parquet, read, truncated, zst};

/// A mapping of the least that a record has.
const LEAST: &str = "tweet: id\ntime: at\nauthor: a\nreader: r\n";
/// A header and two good rows.
const CSV: &str = "id,at,a,r,x\n1,5,a,r,\n2,6,a,r,\n";
/// A good line of NDJSON.
const LINE: &str = "{\"id\":1,\"at\":5,\"a\":\"a\",\"r\":\"r\"}\n";

/// Name, keys beside the least, file, its bytes.
type Case = (&'static str, &'static str, &'static str, Vec<u8>);

/// The name and the sentence of each case, in their order; `…` stands for what a library says.
const SENTENCES: &str = include_str!("messages.txt");

fn row_of(x: &str) -> Vec<u8> {
    format!("{CSV}3,7,a,r,{x}\n").into_bytes()
}

fn line_of(line: &str) -> Vec<u8> {
    format!("{LINE}{LINE}{line}\n").into_bytes()
}

/// Two rows with a column `x`.
fn rows(x: impl Into<ArrayRef>) -> RecordBatch {
    let text = |text: &str| -> ArrayRef { Arc::new(StringArray::from(vec![text; 2])) };
    let at: ArrayRef = Arc::new(Int64Array::from(vec![5, 6]));
    let id: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    RecordBatch::try_from_iter([("id", id), ("at", at), ("a", text("a")), ("r", text("r")), ("x", x.into())]).unwrap()
}

fn array(x: impl arrow_array::Array + 'static) -> RecordBatch {
    rows(Arc::new(x) as ArrayRef)
}

fn texts() -> Vec<Case> {
    vec![
        ("empty file", "", "log.csv", vec![]),
        ("no header", "", "log.csv", b"\n1,2\n".to_vec()),
        ("duplicate header", "", "log.csv", b"id,at,a,r,a\n1,2,3,4,5\n".to_vec()),
        ("missing column", "hashtags: tags\n", "log.csv", CSV.into()),
        ("misspelt column", "author.followers: xx\n", "log.csv", CSV.replace('x', "xxy").into()),
        ("wrong delimiter", "", "log.csv", CSV.replace(',', ";").into()),
        ("kept column is missing", "keep: [y]\n", "log.csv", CSV.into()),
        ("ragged: too few", "", "log.csv", format!("{CSV}3,7,a\n").into()),
        ("ragged: too many", "", "log.csv", format!("{CSV}3,7,a,r,x,y\n").into()),
        ("open quote", "", "log.csv", format!("{CSV}3,7,\"a,r,x\n4,7,a,r,x\n").into()),
        ("CSV not UTF-8", "language: x\n", "log.csv", [CSV.as_bytes(), b"3,7,a,r,\xFF\n"].concat()),
        ("empty id", "", "log.csv", format!("{CSV},7,a,r,\n").into()),
        ("empty time", "", "log.csv", format!("{CSV}3,,a,r,\n").into()),
        ("no time", "author.created: x\n", "log.csv", row_of("17.05.2024")),
        ("local time", "author.created: x\n", "log.csv", row_of("2024-05-17T08:30:00")),
        ("skipped", "author.created: {column: x, zone: Europe/Berlin}\n", "log.csv", row_of("2024-03-31 02:30:00")),
        ("milliseconds", "author.created: x\n", "log.csv", row_of("1715934600999")),
        (
            "seconds beyond any clock",
            "author.created: {column: x, unit: s}\n",
            "log.csv",
            row_of("99999999999999999999"),
        ),
        ("NaN as time", "author.created: x\n", "log.csv", row_of("NaN")),
        ("the least time", "author.created: x\n", "log.csv", row_of("-9223372036854775808")),
        ("fractional count", "author.followers: x\n", "log.csv", row_of("1.5")),
        ("huge count", "author.followers: x\n", "log.csv", row_of("18446744073709551615")),
        ("word as count", "author.followers: x\n", "log.csv", row_of("many")),
        ("unknown flag", "author.verified: x\n", "log.csv", row_of("maybe")),
        ("2 as flag", "follows: x\n", "log.csv", row_of("2")),
        ("unknown type", "type: x\n", "log.csv", row_of("poll")),
        ("unknown media", "media: {column: x, split: \" \"}\n", "log.csv", row_of("photo audio")),
        ("unlisted media", "media: {column: x, words: {pic: Photo}}\n", "log.csv", row_of("photo")),
        ("reaction that is none", "reactions.like: x\n", "log.csv", row_of("liked")),
        ("no token", "tokens: x\n", "log.csv", format!("{}4,7,a,r,\n", CSV.replace("r,\n", "r,101\n")).into()),
        ("token beyond", "tokens: {column: x, split: \" \"}\n", "log.csv", CSV.replace("r,\n", "r,1 1000\n").into()),
        ("token no number", "tokens: {column: x, split: \" \"}\n", "log.csv", CSV.replace("r,\n", "r,1 a\n").into()),
        ("negative token", "tokens: x\n", "log.csv", CSV.replace("r,\n", "r,-1\n").into()),
        ("truncated gz", "", "log.csv.gz", truncated(gz(CSV.repeat(99).as_bytes()))),
        ("truncated zst", "", "log.csv.zst", truncated(zst(CSV.repeat(99).as_bytes()))),
        ("unknown format", "", "log.txt", CSV.into()),
        ("CSV called .parquet", "", "log.parquet", CSV.into()),
        ("CSV called .arrow", "", "log.arrow", CSV.into()),
        ("CSV called .ndjson", "", "log.ndjson", CSV.into()),
        ("Parquet called .csv", "", "log.csv", parquet(&array(Int64Array::from(vec![1, 2])))),
        ("UTF-16", "", "log.csv", CSV.encode_utf16().flat_map(u16::to_le_bytes).collect()),
    ]
}

fn lines() -> Vec<Case> {
    vec![
        ("JSON array", "", "log.json", b"[{\"id\": 1}, {\"id\": 2}]".to_vec()),
        ("pretty-printed", "", "log.json", b"{\n  \"id\": 1,\n  \"at\": 5\n}\n".to_vec()),
        ("two objects a line", "", "log.ndjson", line_of(&LINE.trim_end().repeat(2))),
        ("an array a line", "", "log.ndjson", line_of("[1, 2]")),
        ("no JSON", "", "log.ndjson", line_of("{id: 1}")),
        ("cut off", "", "log.ndjson", line_of("{\"id\": 1, \"at\":")),
        ("JSON not UTF-8", "", "log.ndjson", [LINE.as_bytes(), b"{\"id\":\"\xFF\"}\n"].concat()),
        ("key is missing", "", "log.ndjson", line_of("{\"id\": 1}")),
        ("null", "", "log.ndjson", line_of(&LINE.replace('5', "null"))),
        ("object as id", "", "log.ndjson", line_of(&LINE.replace("1", "{}"))),
        ("list as number", "author.followers: x\n", "log.ndjson", line_of(&LINE.replace("5", "5,\"x\":[1]"))),
        ("path through a scalar", "author.followers: a.x\n", "log.ndjson", line_of(LINE)),
        ("null in a list", "hashtags: x\n", "log.ndjson", line_of(&LINE.replace("5", "5,\"x\":[null]"))),
        ("huge number", "author.followers: x\n", "log.ndjson", line_of(&LINE.replace("5", "5,\"x\":1e40"))),
        ("truncated", "", "log.ndjson.gz", truncated(gz(LINE.repeat(99).as_bytes()))),
    ]
}

type ListOf<T> = Vec<Option<Vec<Option<T>>>>;

fn list_of<T: arrow_array::types::ArrowPrimitiveType>(first: T::Native, item: Option<T::Native>) -> ListOf<T::Native> {
    vec![Some(vec![Some(first)]), Some(vec![item])]
}

fn columns() -> Vec<Case> {
    let numbers = array(Int64Array::from(vec![1, 2]));
    let many = array(StringArray::from_iter_values(["a".repeat(50_000), "b".repeat(50_000)]));
    let huge = array(UInt64Array::from(vec![1, u64::MAX]));
    let floats = array(Float64Array::from(vec![1.0, 1.5]));
    let local = array(TimestampMillisecondArray::from(vec![0, 1]));
    let bytes = bytes_of(b"a");
    let nulls = array(StringArray::from(vec![Some("a"), None]));
    let lists = array(ListArray::from_iter_primitive::<Int32Type, _, _>(list_of::<Int32Type>(1, None)));
    let large = array(LargeListArray::from_iter_primitive::<UInt32Type, _, _>(list_of::<UInt32Type>(1, Some(4000))));
    let inner = Fields::from(vec![Field::new("id", DataType::Utf8, true)]);
    let ids: ArrayRef = Arc::new(StringArray::from(vec!["a", "b"]));
    let parents = array(StructArray::new(inner, vec![ids], Some(vec![true, false].into())));
    let words = array(vec![Some("photo"), Some("poll")].into_iter().collect::<DictionaryArray<Int32Type>>());
    let uuids = array(FixedSizeBinaryArray::try_from_iter([[0; 16], [1; 16]].iter()).unwrap());
    let digest = array(FixedSizeBinaryArray::try_from_iter([[0; 20], [1; 20]].iter()).unwrap());
    vec![
        ("truncated Parquet", "", "log.parquet", truncated(parquet(&many))),
        ("truncated Arrow file", "", "log.arrow", truncated(arrow_file(&many))),
        ("truncated Arrow stream", "keep: [x]\n", "log.arrows", truncated(arrow_stream(&many))),
        ("truncated within zst", "", "log.parquet.zst", truncated(zst(&parquet(&numbers)))),
        ("missing column", "language: lang\n", "log.parquet", parquet(&numbers)),
        ("numbers as media", "media: x\n", "log.parquet", parquet(&numbers)),
        ("floats as id", "language: x\n", "log.parquet", parquet(&floats)),
        ("floats as count", "author.followers: x\n", "log.parquet", parquet(&floats)),
        ("flags as count", "author.followers: x\n", "log.parquet", parquet(&array(BooleanArray::from(vec![true; 2])))),
        ("flags as time", "author.created: x\n", "log.parquet", parquet(&array(BooleanArray::from(vec![true; 2])))),
        ("dates as count", "author.followers: x\n", "log.parquet", parquet(&array(Date32Array::from(vec![1, 2])))),
        ("lists as id", "language: x\n", "log.parquet", parquet(&lists)),
        ("objects as id", "language: x\n", "log.parquet", parquet(&parents)),
        ("bytes as id", "language: x\n", "log.parquet", parquet(&digest)),
        ("UUIDs as count", "author.followers: x\n", "log.parquet", parquet(&uuids)),
        ("huge count", "author.followers: x\n", "log.parquet", parquet(&huge)),
        ("huge time", "author.created: x\n", "log.parquet", parquet(&huge)),
        ("local time", "author.created: x\n", "log.parquet", parquet(&local)),
        ("binary not UTF-8", "language: x\n", "log.parquet", parquet(&bytes)),
        ("binary not UTF-8 as media", "media: x\n", "log.parquet", parquet(&bytes_of(b"gif"))),
        ("binary not UTF-8 as flag", "follows: x\n", "log.parquet", parquet(&bytes_of(b"1"))),
        ("binary not UTF-8 as type", "type: x\n", "log.parquet", parquet(&bytes_of(b"post"))),
        ("null in a list", "links: x\n", "log.parquet", parquet(&lists)),
        ("null token", "tokens: x\n", "log.parquet", parquet(&lists)),
        ("token beyond", "tokens: x\n", "log.parquet", parquet(&large)),
        ("unknown word of a dictionary", "media: x\n", "log.parquet", parquet(&words)),
        ("word in a list view", "media: x\n", "log.arrow", arrow_file(&list_view())),
        ("path through a scalar", "language: x.y\n", "log.parquet", parquet(&numbers)),
        ("path to nothing", "language: x.lang\n", "log.parquet", parquet(&parents)),
        ("null parent", "!tweet: x.id\ntime: at\nauthor: a\nreader: r\n", "log.parquet", parquet(&parents)),
        ("null author", "!tweet: id\ntime: at\nauthor: x\nreader: r\n", "log.parquet", parquet(&nulls)),
        (
            "null time",
            "!tweet: id\ntime: x\nauthor: a\nreader: r\n",
            "log.arrow",
            arrow_file(&array(TimestampSecondArray::from(vec![Some(5), None]).with_timezone("UTC"))),
        ),
        (
            "dictionary of times",
            "author.created: x\n",
            "log.arrow",
            arrow_file(&array(DictionaryArray::new(
                Int64Array::from(vec![0, 1]),
                Arc::new(TimestampSecondArray::from(vec![5, 6])),
            ))),
        ),
        (
            "dictionary of floats",
            "author.followers: x\n",
            "log.arrow",
            arrow_file(&array(DictionaryArray::new(
                Int64Array::from(vec![0, 1]),
                Arc::new(Float64Array::from(vec![5.0, 6.5])),
            ))),
        ),
    ]
}

fn bytes_of(first: &[u8]) -> RecordBatch {
    array(BinaryArray::from_vec(vec![first, b"\xFF"]))
}

fn list_view() -> RecordBatch {
    let mut lists = ListBuilder::new(StringBuilder::new());
    lists.append_value([Some("photo")]);
    lists.append_value([Some("gif"), Some("poll")]);
    let lists: ArrayRef = Arc::new(lists.finish());
    let item = Arc::new(Field::new_list_field(DataType::Utf8, true));
    let views = arrow_cast::cast(&lists, &DataType::ListView(item)).unwrap();
    assert!(views.as_any().is::<ListViewArray>());
    rows(views)
}

/// Whether a sentence is the expected one, in which `…` stands for any text.
fn fits(found: &str, expected: &str) -> bool {
    match expected.split_once('…') {
        Some((first, last)) => found.strip_prefix(first).is_some_and(|rest| rest.ends_with(last)),
        None => found == expected,
    }
}

#[test]
fn whatever_is_wrong_is_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let cases = [texts(), lines(), columns()].concat();
    assert!(cases.len() > 80);
    let mut unfit = Vec::new();
    assert_eq!(cases.len(), SENTENCES.lines().count());
    for ((name, keys, file, bytes), sentence) in cases.into_iter().zip(SENTENCES.lines()) {
        let expected = sentence.strip_prefix(name).and_then(|rest| rest.strip_prefix(" | ")).unwrap_or(sentence);
        let mapping = keys.strip_prefix('!').map_or_else(|| format!("{LEAST}{keys}"), str::to_owned);
        let found = read(folder.path(), &mapping, file, &bytes);
        let found = found.map_or_else(|what| what, |records| format!("{} records", records.rows));
        if !fits(&found, expected) {
            unfit.push(format!("{name}\n  {found}\n  {expected}"));
        }
    }
    assert!(unfit.is_empty(), "{}", unfit.join("\n"));
}
