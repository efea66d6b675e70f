//! The same records in Parquet: typed columns, dictionary on, zstd 3, a row group for about a million records.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use parquet::basic::{Compression, ZstdLevel};
use parquet::column::reader::ColumnReader;
use parquet::column::writer::ColumnWriter;
use parquet::data_type::{ByteArray, FixedLenByteArray};
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use skimlog_formats::record::{NO_REACTION, RecordBatch};
use skimlog_formats::{Id, Reaction};

/// Row groups of so many batches have about a million rows.
const BATCHES: usize = 16;

/// The columns that [`scan`] reads for a full comparison.
pub(super) const SCAN: &[&str] = &[
    "tokens",
    "tweet",
    "author",
    "reader",
    "language",
    "tweet_time",
    "reply_time",
    "retweet_time",
    "quote_time",
    "like_time",
];

enum Values<'a> {
    Tokens(Vec<&'a [u32]>),
    Numbers(Vec<&'a [i64]>),
    Flags(Vec<&'a [bool]>),
    Bytes(Vec<Vec<u8>>),
    Ids(Vec<&'a [Id]>),
}

type Offsets<'a> = Option<Vec<&'a [u32]>>;

/// Every column: its name, its Parquet type, the lists' offsets batch by batch, the values batch by batch.
fn columns(batches: &[RecordBatch]) -> Vec<(&'static str, &'static str, Offsets<'_>, Values<'_>)> {
    fn all<'a, T>(batches: &'a [RecordBatch], of: impl Fn(&'a RecordBatch) -> T) -> Vec<T> {
        batches.iter().map(of).collect()
    }
    const ID: &str = "FIXED_LEN_BYTE_ARRAY (16)";
    const CODE: &str = "INT32";
    const NUMBER: &str = "INT64";
    let lists = |of: fn(&RecordBatch) -> &skimlog_formats::Lists<Id>| {
        let offsets = Some(all(batches, |batch| of(batch).offsets()));
        (offsets, Values::Ids(all(batches, |batch| of(batch).values())))
    };
    let ids = |of: fn(&RecordBatch) -> &Vec<Id>| Values::Ids(all(batches, |batch| of(batch).as_slice()));
    let numbers = |of: fn(&RecordBatch) -> &Vec<i64>| Values::Numbers(all(batches, |batch| of(batch).as_slice()));
    let flags = |of: fn(&RecordBatch) -> &Vec<bool>| Values::Flags(all(batches, |batch| of(batch).as_slice()));
    let (hashtag_offsets, hashtags) = lists(|batch| &batch.hashtags);
    let (link_offsets, links) = lists(|batch| &batch.links);
    let (domain_offsets, domains) = lists(|batch| &batch.domains);
    let token_offsets = Some(all(batches, |batch| batch.tokens.offsets()));
    let media_offsets = Some(all(batches, |batch| batch.media.offsets()));
    let media = all(batches, |batch| batch.media.values().iter().map(|&media| media as u8).collect());
    let types = all(batches, |batch| batch.tweet_type.iter().map(|&tweet_type| tweet_type as u8).collect());
    let mut columns = vec![
        ("tokens", CODE, token_offsets, Values::Tokens(all(batches, |batch| batch.tokens.values()))),
        ("hashtags", ID, hashtag_offsets, hashtags),
        ("tweet", ID, None, ids(|batch| &batch.tweet)),
        ("media", CODE, media_offsets, Values::Bytes(media)),
        ("links", ID, link_offsets, links),
        ("domains", ID, domain_offsets, domains),
        ("tweet_type", CODE, None, Values::Bytes(types)),
        ("language", ID, None, ids(|batch| &batch.language)),
        ("tweet_time", NUMBER, None, numbers(|batch| &batch.tweet_time)),
        ("author", ID, None, ids(|batch| &batch.author.id)),
        ("author_followers", NUMBER, None, numbers(|batch| &batch.author.followers)),
        ("author_following", NUMBER, None, numbers(|batch| &batch.author.following)),
        ("author_verified", "BOOLEAN", None, flags(|batch| &batch.author.verified)),
        ("author_created", NUMBER, None, numbers(|batch| &batch.author.created)),
        ("reader", ID, None, ids(|batch| &batch.reader.id)),
        ("reader_followers", NUMBER, None, numbers(|batch| &batch.reader.followers)),
        ("reader_following", NUMBER, None, numbers(|batch| &batch.reader.following)),
        ("reader_verified", "BOOLEAN", None, flags(|batch| &batch.reader.verified)),
        ("reader_created", NUMBER, None, numbers(|batch| &batch.reader.created)),
        ("author_follows_reader", "BOOLEAN", None, flags(|batch| &batch.author_follows_reader)),
    ];
    if batches.first().is_some_and(|batch| batch.reactions.is_none()) {
        return columns;
    }
    let names = ["reply_time", "retweet_time", "quote_time", "like_time"];
    for (name, reaction) in names.into_iter().zip(Reaction::RECORD_ORDER) {
        let times = batches.iter().filter_map(|batch| batch.reactions.as_ref().map(|times| times[reaction].as_slice()));
        columns.push((name, NUMBER, None, Values::Numbers(times.collect())));
    }
    columns
}

pub(super) fn write(path: &Path, batches: &[RecordBatch]) -> Result<()> {
    let fields: String = columns(&batches[..batches.len().min(1)])
        .iter()
        .map(|(name, kind, offsets, _)| match offsets {
            Some(_) => {
                format!("REQUIRED GROUP {name} (LIST) {{ REPEATED GROUP list {{ REQUIRED {kind} element; }} }} ")
            }
            // A reaction that is not there is null, as it would be for any user of Parquet.
            None if is_reaction(name) => format!("OPTIONAL {kind} {name}; "),
            None => format!("REQUIRED {kind} {name}; "),
        })
        .collect();
    let schema = Arc::new(parse_message_type(&format!("message part {{ {fields} }}"))?);
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_dictionary_enabled(true)
        .build();
    let mut file = SerializedFileWriter::new(File::create(path)?, schema, Arc::new(properties))?;
    for batches in batches.chunks(BATCHES) {
        let mut group = file.next_row_group()?;
        for (name, _, offsets, values) in columns(batches) {
            let mut column = group.next_column()?.context("too few columns")?;
            for batch in 0..batches.len() {
                let levels = offsets.as_ref().map(|offsets| list_levels(offsets[batch]));
                let (definition, repetition) = match &levels {
                    Some((definition, repetition)) => (Some(definition.as_slice()), Some(repetition.as_slice())),
                    None => (None, None),
                };
                match (column.untyped(), &values) {
                    (ColumnWriter::Int64ColumnWriter(column), Values::Numbers(numbers)) if is_reaction(name) => {
                        let there = |&time: &i64| time != NO_REACTION;
                        let definition: Vec<i16> = numbers[batch].iter().map(|time| i16::from(there(time))).collect();
                        let times: Vec<i64> = numbers[batch].iter().copied().filter(there).collect();
                        column.write_batch(&times, Some(&definition), None)?;
                    }
                    (ColumnWriter::Int64ColumnWriter(column), Values::Numbers(numbers)) => {
                        column.write_batch(numbers[batch], definition, repetition)?;
                    }
                    (ColumnWriter::Int32ColumnWriter(column), Values::Tokens(tokens)) => {
                        column.write_batch(bytemuck::cast_slice(tokens[batch]), definition, repetition)?;
                    }
                    (ColumnWriter::Int32ColumnWriter(column), Values::Bytes(codes)) => {
                        let codes: Vec<i32> = codes[batch].iter().map(|&code| code.into()).collect();
                        column.write_batch(&codes, definition, repetition)?;
                    }
                    (ColumnWriter::BoolColumnWriter(column), Values::Flags(flags)) => {
                        column.write_batch(flags[batch], definition, repetition)?;
                    }
                    (ColumnWriter::FixedLenByteArrayColumnWriter(column), Values::Ids(ids)) => {
                        let ids: Vec<FixedLenByteArray> =
                            ids[batch].iter().map(|id| ByteArray::from(id.0.to_vec()).into()).collect();
                        column.write_batch(&ids, definition, repetition)?;
                    }
                    _ => anyhow::bail!("column {name} has another type"),
                }
            }
            column.close()?;
        }
        group.close()?;
    }
    file.close()?;
    Ok(())
}

fn is_reaction(name: &str) -> bool {
    ["reply_time", "retweet_time", "quote_time", "like_time"].contains(&name)
}

/// Definition and repetition levels of required lists of required items.
fn list_levels(offsets: &[u32]) -> (Vec<i16>, Vec<i16>) {
    let (mut definition, mut repetition) = (Vec::new(), Vec::new());
    for pair in offsets.windows(2) {
        let length = (pair[1] - pair[0]) as usize;
        definition.extend(std::iter::repeat_n(i16::from(length > 0), length.max(1)));
        repetition.push(0);
        repetition.extend(std::iter::repeat_n(1, length.saturating_sub(1)));
    }
    (definition, repetition)
}

/// The sum of all times but [`NO_REACTION`].
pub(super) fn sum_times(times: &[i64]) -> u64 {
    times.iter().filter(|&&time| time != NO_REACTION).fold(0, |sum, &time| sum.wrapping_add(time as u64))
}

pub(super) fn sum_u32(values: &[u32]) -> u64 {
    values.iter().map(|&value| u64::from(value)).sum()
}

/// Reads the columns, 65,536 records at a time, and adds up what `scan_skim` adds up.
pub(super) fn scan(path: &Path, names: &[&str]) -> Result<u64> {
    let reader = SerializedFileReader::new(File::open(path)?)?;
    let mut sum = 0u64;
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group)?;
        for (index, about) in group.metadata().columns().iter().enumerate() {
            let name = about.column_path().parts()[0].clone();
            if !names.contains(&name.as_str()) {
                continue;
            }
            let (mut definition, mut repetition) = (Vec::new(), Vec::new());
            match group.get_column_reader(index)? {
                ColumnReader::Int32ColumnReader(mut column) => loop {
                    let mut values = Vec::new();
                    definition.clear();
                    repetition.clear();
                    let (records, ..) =
                        column.read_records(65_536, Some(&mut definition), Some(&mut repetition), &mut values)?;
                    if records == 0 {
                        break;
                    }
                    sum = sum.wrapping_add(sum_u32(bytemuck::cast_slice(&values)));
                },
                ColumnReader::Int64ColumnReader(mut column) => loop {
                    let mut values = Vec::new();
                    definition.clear();
                    let (records, ..) = column.read_records(65_536, Some(&mut definition), None, &mut values)?;
                    if records == 0 {
                        break;
                    }
                    sum = sum.wrapping_add(sum_times(&values));
                },
                ColumnReader::FixedLenByteArrayColumnReader(mut column) => loop {
                    let mut values = Vec::new();
                    let (records, ..) = column.read_records(65_536, None, None, &mut values)?;
                    if records == 0 {
                        break;
                    }
                    if name != "language" {
                        let last = |id: &FixedLenByteArray| u64::from(id.data()[15]);
                        sum = values.iter().fold(sum, |sum, id| sum.wrapping_add(last(id)));
                    }
                },
                _ => anyhow::bail!("column {name} has another type"),
            }
        }
    }
    Ok(sum)
}

/// Compressed bytes of every column.
pub(super) fn column_bytes(path: &Path) -> Result<BTreeMap<String, u64>> {
    let reader = SerializedFileReader::new(File::open(path)?)?;
    let mut bytes = BTreeMap::new();
    for group in reader.metadata().row_groups() {
        for column in group.columns() {
            *bytes.entry(column.column_path().parts()[0].clone()).or_default() += column.compressed_size() as u64;
        }
    }
    Ok(bytes)
}
