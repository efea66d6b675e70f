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

/// Name, keys beside the least, file, its bytes, the sentence; `…` stands for what a library says.
type Case = (&'static str, &'static str, &'static str, Vec<u8>, &'static str);

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
        ("empty file", "", "log.csv", vec![], "log.csv: is empty: write it again, or leave it out"),
        ("no header", "", "log.csv", b"\n1,2\n".to_vec(), "log.csv: has no header: its first line names the columns"),
        (
            "duplicate header",
            "",
            "log.csv",
            b"id,at,a,r,a\n1,2,3,4,5\n".to_vec(),
            "log.csv: its header has the column `a` twice: rename one of them",
        ),
        (
            "missing column",
            "hashtags: tags\n",
            "log.csv",
            CSV.into(),
            "log.csv: no column `tags` for hashtags; map one of its columns: id, at, a, r, x",
        ),
        (
            "misspelt column",
            "author.followers: xx\n",
            "log.csv",
            CSV.replace('x', "xxy").into(),
            "log.csv: no column `xx` for author.followers, did you mean `xxy`?",
        ),
        (
            "wrong delimiter",
            "",
            "log.csv",
            CSV.replace(',', ";").into(),
            "log.csv: its header has one column, `id;at;a;r;x`: say in the mapping what stands between columns (`csv: {delimiter: \";\"}`)",
        ),
        (
            "kept column is missing",
            "keep: [y]\n",
            "log.csv",
            CSV.into(),
            "log.csv: no column `y` for keep; map one of its columns: id, at, a, r, x",
        ),
        (
            "ragged: too few",
            "",
            "log.csv",
            format!("{CSV}3,7,a\n").into(),
            "log.csv: row 3: has 3 fields, and the header 5: put quotes around a field with ',' in it",
        ),
        (
            "ragged: too many",
            "",
            "log.csv",
            format!("{CSV}3,7,a,r,x,y\n").into(),
            "log.csv: row 3: has 6 fields, and the header 5: put quotes around a field with ',' in it",
        ),
        (
            "open quote",
            "",
            "log.csv",
            format!("{CSV}3,7,\"a,r,x\n4,7,a,r,x\n").into(),
            "log.csv: row 3: a quote opens and does not close: close it, or say in the mapping that quotes have no meaning (`csv: {quote: none}`)",
        ),
        (
            "CSV not UTF-8",
            "language: x\n",
            "log.csv",
            [CSV.as_bytes(), b"3,7,a,r,\xFF\n"].concat(),
            "log.csv: row 3: column `x`: is no UTF-8: write the file as UTF-8",
        ),
        (
            "empty id",
            "",
            "log.csv",
            format!("{CSV},7,a,r,\n").into(),
            "log.csv: row 3: column `id` (tweet): is null, and a record needs it: fill it or leave the row out",
        ),
        (
            "empty time",
            "",
            "log.csv",
            format!("{CSV}3,,a,r,\n").into(),
            "log.csv: row 3: column `at` (time): is null, and a record needs it: fill it or leave the row out",
        ),
        (
            "no time",
            "author.created: x\n",
            "log.csv",
            row_of("17.05.2024"),
            "log.csv: row 3: column `x` (author.created): `17.05.2024` is no time: a number or ISO 8601 (2024-05-17T08:30:00Z) is",
        ),
        (
            "local time",
            "author.created: x\n",
            "log.csv",
            row_of("2024-05-17T08:30:00"),
            "log.csv: row 3: column `x` (author.created): the time has no zone: say which it is in (`zone: UTC`, `+02:00` or `Europe/Berlin`)",
        ),
        (
            "skipped",
            "author.created: {column: x, zone: Europe/Berlin}\n",
            "log.csv",
            row_of("2024-03-31 02:30:00"),
            "log.csv: row 3: column `x` (author.created): the clocks of Europe/Berlin skipped the time 2024-03-31 02:30:00: correct it or the zone",
        ),
        (
            "milliseconds",
            "author.created: x\n",
            "log.csv",
            row_of("1715934600999"),
            "log.csv: row 3: column `x` (author.created): 1715934600999 is no time in seconds: say what it counts (`unit: ms`, `us` or `ns`; `unit: s` takes it as it is)",
        ),
        (
            "seconds beyond any clock",
            "author.created: {column: x, unit: s}\n",
            "log.csv",
            row_of("99999999999999999999"),
            "log.csv: row 3: column `x` (author.created): the time is out of range: correct it, or say what it counts (`unit: ms`)",
        ),
        (
            "NaN as time",
            "author.created: x\n",
            "log.csv",
            row_of("NaN"),
            "log.csv: row 3: column `x` (author.created): `NaN` is no time: a number or ISO 8601 (2024-05-17T08:30:00Z) is",
        ),
        (
            "the least time",
            "author.created: x\n",
            "log.csv",
            row_of("-9223372036854775808"),
            "log.csv: row 3: column `x` (author.created): -9223372036854775808 is no time in seconds: say what it counts (`unit: ms`, `us` or `ns`; `unit: s` takes it as it is)",
        ),
        (
            "fractional count",
            "author.followers: x\n",
            "log.csv",
            row_of("1.5"),
            "log.csv: row 3: column `x` (author.followers): `1.5` is no whole number of 64 bits: correct it, or map another column",
        ),
        (
            "huge count",
            "author.followers: x\n",
            "log.csv",
            row_of("18446744073709551615"),
            "log.csv: row 3: column `x` (author.followers): `18446744073709551615` is no whole number of 64 bits: correct it, or map another column",
        ),
        (
            "word as count",
            "author.followers: x\n",
            "log.csv",
            row_of("many"),
            "log.csv: row 3: column `x` (author.followers): `many` is no whole number of 64 bits: correct it, or map another column",
        ),
        (
            "unknown flag",
            "author.verified: x\n",
            "log.csv",
            row_of("maybe"),
            "log.csv: row 3: column `x` (author.verified): `maybe` is neither true nor false: write true and false, or 1 and 0",
        ),
        (
            "2 as flag",
            "follows: x\n",
            "log.csv",
            row_of("2"),
            "log.csv: row 3: column `x` (follows): `2` is neither true nor false: write true and false, or 1 and 0",
        ),
        (
            "unknown type",
            "type: x\n",
            "log.csv",
            row_of("poll"),
            "log.csv: row 3: column `x` (type): `poll` is no known type: list it under `words:` as one of TopLevel, Retweet, Quote, Reply, or null",
        ),
        (
            "unknown media",
            "media: {column: x, split: \" \"}\n",
            "log.csv",
            row_of("photo audio"),
            "log.csv: row 3: column `x` (media): `audio` is no known kind of media: list it under `words:` as one of Photo, Video, GIF, or null",
        ),
        (
            "unlisted media",
            "media: {column: x, words: {pic: Photo}}\n",
            "log.csv",
            row_of("photo"),
            "log.csv: row 3: column `x` (media): `photo` is no known kind of media: list it under `words:` as one of Photo, Video, GIF, or null",
        ),
        (
            "reaction that is none",
            "reactions.like: x\n",
            "log.csv",
            row_of("liked"),
            "log.csv: row 3: column `x` (reactions.like): `liked` is no time: a number or ISO 8601 (2024-05-17T08:30:00Z) is",
        ),
        (
            "no token",
            "tokens: x\n",
            "log.csv",
            format!("{}4,7,a,r,\n", CSV.replace("r,\n", "r,101\n")).into(),
            "log.csv: row 3: column `x` (tokens): there is no token: a text has at least [CLS] and [SEP]",
        ),
        (
            "token beyond",
            "tokens: {column: x, split: \" \"}\n",
            "log.csv",
            CSV.replace("r,\n", "r,1 1000\n").into(),
            "log.csv: row 1: column `x` (tokens): the token 1000 is not below vocabulary_size (1000): raise vocabulary_size, or take the tokens of the text model",
        ),
        (
            "token no number",
            "tokens: {column: x, split: \" \"}\n",
            "log.csv",
            CSV.replace("r,\n", "r,1 a\n").into(),
            "log.csv: row 1: column `x` (tokens): `a` is no token id: a whole number is",
        ),
        (
            "negative token",
            "tokens: x\n",
            "log.csv",
            CSV.replace("r,\n", "r,-1\n").into(),
            "log.csv: row 1: column `x` (tokens): the token -1 is not below vocabulary_size (1000): raise vocabulary_size, or take the tokens of the text model",
        ),
        (
            "truncated gz",
            "",
            "log.csv.gz",
            truncated(gz(CSV.repeat(99).as_bytes())),
            "cannot read log.csv.gz: the gzip file ends too early: download or copy it again",
        ),
        (
            "truncated zst",
            "",
            "log.csv.zst",
            truncated(zst(CSV.repeat(99).as_bytes())),
            "cannot read log.csv.zst: the zstd file ends too early: download or copy it again",
        ),
        (
            "unknown format",
            "",
            "log.txt",
            CSV.into(),
            "log.txt: neither its name nor its first bytes say its format: give it (--format parquet, csv, tsv, ndjson, arrow)",
        ),
        (
            "CSV called .parquet",
            "",
            "log.parquet",
            CSV.into(),
            "log.parquet: is text, and not parquet: name it by its format, or give that (--format)",
        ),
        (
            "CSV called .arrow",
            "",
            "log.arrow",
            CSV.into(),
            "log.arrow: is text, and not arrow: name it by its format, or give that (--format)",
        ),
        (
            "CSV called .ndjson",
            "",
            "log.ndjson",
            CSV.into(),
            "log.ndjson: its first lines are no JSON objects: is it NDJSON, an object a line? (--format gives another format)",
        ),
        (
            "Parquet called .csv",
            "",
            "log.csv",
            parquet(&array(Int64Array::from(vec![1, 2]))),
            "log.csv: is parquet, and not csv: name it by its format, or give that (--format)",
        ),
        (
            "UTF-16",
            "",
            "log.csv",
            CSV.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            "log.csv: its header is no UTF-8: write the file as UTF-8, or give its format (--format)",
        ),
    ]
}

fn lines() -> Vec<Case> {
    vec![
        (
            "JSON array",
            "",
            "log.json",
            b"[{\"id\": 1}, {\"id\": 2}]".to_vec(),
            "log.json: is a JSON array, and an object a line is read: write it so (`jq -c '.[]'`)",
        ),
        (
            "pretty-printed",
            "",
            "log.json",
            b"{\n  \"id\": 1,\n  \"at\": 5\n}\n".to_vec(),
            "log.json: its first line is no whole JSON object, and an object a line is read: write it so (`jq -c .`)",
        ),
        (
            "two objects a line",
            "",
            "log.ndjson",
            line_of(&LINE.trim_end().repeat(2)),
            "log.ndjson: row 3: the line holds 2 rows: write one a line",
        ),
        (
            "an array a line",
            "",
            "log.ndjson",
            line_of("[1, 2]"),
            "log.ndjson: row 3: is no JSON object with the columns of the first lines (…): correct the line",
        ),
        (
            "no JSON",
            "",
            "log.ndjson",
            line_of("{id: 1}"),
            "log.ndjson: row 3: is no JSON object with the columns of the first lines (…): correct the line",
        ),
        (
            "cut off",
            "",
            "log.ndjson",
            line_of("{\"id\": 1, \"at\":"),
            "log.ndjson: row 3: the object does not end in this line: write one a line (`jq -c .`)",
        ),
        (
            "JSON not UTF-8",
            "",
            "log.ndjson",
            [LINE.as_bytes(), b"{\"id\":\"\xFF\"}\n"].concat(),
            "log.ndjson: row 2: is no JSON object with the columns of the first lines (…): correct the line",
        ),
        (
            "key is missing",
            "",
            "log.ndjson",
            line_of("{\"id\": 1}"),
            "log.ndjson: row 3: column `at` (time): is null, and a record needs it: fill it or leave the row out",
        ),
        (
            "null",
            "",
            "log.ndjson",
            line_of(&LINE.replace('5', "null")),
            "log.ndjson: row 3: column `at` (time): is null, and a record needs it: fill it or leave the row out",
        ),
        (
            "object as id",
            "",
            "log.ndjson",
            line_of(&LINE.replace("1", "{}")),
            "log.ndjson: row 3: is no JSON object with the columns of the first lines (…): correct the line",
        ),
        (
            "list as number",
            "author.followers: x\n",
            "log.ndjson",
            line_of(&LINE.replace("5", "5,\"x\":[1]")),
            "log.ndjson: column `x` is of the type List(Utf8), and author.followers is made of whole numbers: map another column",
        ),
        (
            "path through a scalar",
            "author.followers: a.x\n",
            "log.ndjson",
            line_of(LINE),
            "log.ndjson: the path `a.x` (author.followers) leads into `a`, which holds no objects: map another column",
        ),
        (
            "null in a list",
            "hashtags: x\n",
            "log.ndjson",
            line_of(&LINE.replace("5", "5,\"x\":[null]")),
            "log.ndjson: row 3: column `x` (hashtags): an item of the list is null: leave it out",
        ),
        (
            "huge number",
            "author.followers: x\n",
            "log.ndjson",
            line_of(&LINE.replace("5", "5,\"x\":1e40")),
            "log.ndjson: row 3: column `x` (author.followers): `1e40` is no whole number of 64 bits: correct it, or map another column",
        ),
        (
            "truncated",
            "",
            "log.ndjson.gz",
            truncated(gz(LINE.repeat(99).as_bytes())),
            "cannot read log.ndjson.gz: the gzip file ends too early: download or copy it again",
        ),
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
        (
            "truncated Parquet",
            "",
            "log.parquet",
            truncated(parquet(&many)),
            "log.parquet: is damaged or no Parquet file: …; write or copy it again",
        ),
        (
            "truncated Arrow file",
            "",
            "log.arrow",
            truncated(arrow_file(&many)),
            "log.arrow: is damaged or no Arrow file: …; write or copy it again",
        ),
        (
            "truncated Arrow stream",
            "keep: [x]\n",
            "log.arrows",
            truncated(arrow_stream(&many)),
            "log.arrows: is damaged or no Arrow file: …, behind row 0; write or copy it again",
        ),
        (
            "truncated within zst",
            "",
            "log.parquet.zst",
            truncated(zst(&parquet(&numbers))),
            "cannot read log.parquet.zst: the zstd file ends too early: download or copy it again",
        ),
        (
            "missing column",
            "language: lang\n",
            "log.parquet",
            parquet(&numbers),
            "log.parquet: no column `lang` for language; map one of its columns: id, at, a, r, x",
        ),
        (
            "numbers as media",
            "media: x\n",
            "log.parquet",
            parquet(&numbers),
            "log.parquet: row 1: column `x` (media): `1` is no known kind of media: list it under `words:` as one of Photo, Video, GIF, or null",
        ),
        (
            "floats as id",
            "language: x\n",
            "log.parquet",
            parquet(&floats),
            "log.parquet: column `x` is of the type Float64, and language is made of texts, whole numbers or UUIDs: map another column",
        ),
        (
            "floats as count",
            "author.followers: x\n",
            "log.parquet",
            parquet(&floats),
            "log.parquet: row 2: column `x` (author.followers): 1.5 is no whole number of 64 bits: correct it, or map another column",
        ),
        (
            "flags as count",
            "author.followers: x\n",
            "log.parquet",
            parquet(&array(BooleanArray::from(vec![true; 2]))),
            "log.parquet: column `x` is of the type Boolean, and author.followers is made of whole numbers: map another column",
        ),
        (
            "flags as time",
            "author.created: x\n",
            "log.parquet",
            parquet(&array(BooleanArray::from(vec![true; 2]))),
            "log.parquet: column `x` is of the type Boolean, and author.created is made of times, numbers or texts: map another column",
        ),
        (
            "dates as count",
            "author.followers: x\n",
            "log.parquet",
            parquet(&array(Date32Array::from(vec![1, 2]))),
            "log.parquet: column `x` is of the type Date32, and author.followers is made of whole numbers: map another column",
        ),
        (
            "lists as id",
            "language: x\n",
            "log.parquet",
            parquet(&lists),
            "log.parquet: column `x` is of the type List(Int32), and language is made of texts, whole numbers or UUIDs: map another column",
        ),
        (
            "objects as id",
            "language: x\n",
            "log.parquet",
            parquet(&parents),
            "log.parquet: column `x` is of the type Struct(\"id\": Utf8), and language is made of texts, whole numbers or UUIDs: map another column",
        ),
        (
            "bytes as id",
            "language: x\n",
            "log.parquet",
            parquet(&digest),
            "log.parquet: column `x` is of the type FixedSizeBinary(20), and language is made of texts, whole numbers or UUIDs: map another column",
        ),
        (
            "UUIDs as count",
            "author.followers: x\n",
            "log.parquet",
            parquet(&uuids),
            "log.parquet: column `x` is of the type FixedSizeBinary(16), and author.followers is made of whole numbers: map another column",
        ),
        (
            "huge count",
            "author.followers: x\n",
            "log.parquet",
            parquet(&huge),
            "log.parquet: row 2: column `x` (author.followers): `18446744073709551615` is no whole number of 64 bits: correct it, or map another column",
        ),
        (
            "huge time",
            "author.created: x\n",
            "log.parquet",
            parquet(&huge),
            "log.parquet: row 2: column `x` (author.created): the time is out of range: correct it, or say what it counts (`unit: ms`)",
        ),
        (
            "local time",
            "author.created: x\n",
            "log.parquet",
            parquet(&local),
            "log.parquet: row 1: column `x` (author.created): the time has no zone: say which it is in (`zone: UTC`, `+02:00` or `Europe/Berlin`)",
        ),
        (
            "binary not UTF-8",
            "language: x\n",
            "log.parquet",
            parquet(&bytes),
            "log.parquet: row 2: column `x` (language): is no UTF-8: write texts as UTF-8",
        ),
        (
            "binary not UTF-8 as media",
            "media: x\n",
            "log.parquet",
            parquet(&bytes_of(b"gif")),
            "log.parquet: row 2: column `x` (media): is no UTF-8: write texts as UTF-8",
        ),
        (
            "binary not UTF-8 as flag",
            "follows: x\n",
            "log.parquet",
            parquet(&bytes_of(b"1")),
            "log.parquet: row 2: column `x` (follows): is no UTF-8: write texts as UTF-8",
        ),
        (
            "binary not UTF-8 as type",
            "type: x\n",
            "log.parquet",
            parquet(&bytes_of(b"post")),
            "log.parquet: row 2: column `x` (type): is no UTF-8: write texts as UTF-8",
        ),
        (
            "null in a list",
            "links: x\n",
            "log.parquet",
            parquet(&lists),
            "log.parquet: row 2: column `x` (links): an item of the list is null: leave it out",
        ),
        (
            "null token",
            "tokens: x\n",
            "log.parquet",
            parquet(&lists),
            "log.parquet: row 2: column `x` (tokens): a token is null: leave it out",
        ),
        (
            "token beyond",
            "tokens: x\n",
            "log.parquet",
            parquet(&large),
            "log.parquet: row 2: column `x` (tokens): the token 4000 is not below vocabulary_size (1000): raise vocabulary_size, or take the tokens of the text model",
        ),
        (
            "unknown word of a dictionary",
            "media: x\n",
            "log.parquet",
            parquet(&words),
            "log.parquet: row 2: column `x` (media): `poll` is no known kind of media: list it under `words:` as one of Photo, Video, GIF, or null",
        ),
        (
            "word in a list view",
            "media: x\n",
            "log.arrow",
            arrow_file(&list_view()),
            "log.arrow: row 2: column `x` (media): `poll` is no known kind of media: list it under `words:` as one of Photo, Video, GIF, or null",
        ),
        (
            "path through a scalar",
            "language: x.y\n",
            "log.parquet",
            parquet(&numbers),
            "log.parquet: no column `x.y` for language; map one of its columns: id, at, a, r, x",
        ),
        (
            "path to nothing",
            "language: x.lang\n",
            "log.parquet",
            parquet(&parents),
            "log.parquet: no column `x.lang` for language; map one of its columns: id, at, a, r, x.id",
        ),
        (
            "null parent",
            "!tweet: x.id\ntime: at\nauthor: a\nreader: r\n",
            "log.parquet",
            parquet(&parents),
            "log.parquet: row 2: column `x.id` (tweet): is null, and a record needs it: fill it or leave the row out",
        ),
        (
            "null author",
            "!tweet: id\ntime: at\nauthor: x\nreader: r\n",
            "log.parquet",
            parquet(&nulls),
            "log.parquet: row 2: column `x` (author.id): is null, and a record needs it: fill it or leave the row out",
        ),
        (
            "null time",
            "!tweet: id\ntime: x\nauthor: a\nreader: r\n",
            "log.arrow",
            arrow_file(&array(TimestampSecondArray::from(vec![Some(5), None]).with_timezone("UTC"))),
            "log.arrow: row 2: column `x` (time): is null, and a record needs it: fill it or leave the row out",
        ),
        (
            "dictionary of times",
            "author.created: x\n",
            "log.arrow",
            arrow_file(&array(DictionaryArray::new(
                Int64Array::from(vec![0, 1]),
                Arc::new(TimestampSecondArray::from(vec![5, 6])),
            ))),
            "log.arrow: row 1: column `x` (author.created): the time has no zone: say which it is in (`zone: UTC`, `+02:00` or `Europe/Berlin`)",
        ),
        (
            "dictionary of floats",
            "author.followers: x\n",
            "log.arrow",
            arrow_file(&array(DictionaryArray::new(
                Int64Array::from(vec![0, 1]),
                Arc::new(Float64Array::from(vec![5.0, 6.5])),
            ))),
            "log.arrow: row 2: column `x` (author.followers): 6.5 is no whole number of 64 bits: correct it, or map another column",
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
    for (name, keys, file, bytes, expected) in cases {
        let mapping = keys.strip_prefix('!').map_or_else(|| format!("{LEAST}{keys}"), str::to_owned);
        let found = read(folder.path(), &mapping, file, &bytes);
        let found = found.map_or_else(|what| what, |records| format!("{} records", records.rows));
        if !fits(&found, expected) {
            unfit.push(format!("{name}\n  {found}\n  {expected}"));
        }
    }
    assert!(unfit.is_empty(), "{}", unfit.join("\n"));
}
