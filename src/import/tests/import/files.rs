//! Logs written in every format, and read back.

use std::io::Write;
use std::path::Path;

use arrow_array::RecordBatch;
use skimlog_formats::record::RecordBatch as Records;
use skimlog_import::importer::Importer;
use skimlog_import::mapping::Mapping;

/// Token ids of the tests are below it.
pub(crate) const VOCABULARY: u32 = 1000;

pub(crate) fn parquet(rows: &RecordBatch) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = parquet::arrow::ArrowWriter::try_new(&mut bytes, rows.schema(), None).unwrap();
    writer.write(rows).unwrap();
    writer.close().unwrap();
    bytes
}

pub(crate) fn arrow_file(rows: &RecordBatch) -> Vec<u8> {
    let mut writer = arrow_ipc::writer::FileWriter::try_new(Vec::new(), &rows.schema()).unwrap();
    writer.write(rows).unwrap();
    writer.into_inner().unwrap()
}

pub(crate) fn arrow_stream(rows: &RecordBatch) -> Vec<u8> {
    let mut writer = arrow_ipc::writer::StreamWriter::try_new(Vec::new(), &rows.schema()).unwrap();
    writer.write(rows).unwrap();
    writer.into_inner().unwrap()
}

pub(crate) fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

pub(crate) fn zst(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

/// The first part of a file: what a copy that broke off leaves.
pub(crate) fn truncated(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.truncate(bytes.len() * 3 / 5);
    bytes
}

/// Reads a log called `name` with these bytes, which is put beside its mapping into `folder`. An error is what the
/// first thing that is wrong is called, without the folder.
pub(crate) fn read(folder: &Path, mapping: &str, name: &str, bytes: &[u8]) -> Result<Records, String> {
    let file = folder.join(name);
    std::fs::write(&file, bytes).unwrap();
    read_all(folder, mapping, &file).map_err(|what| what.replace(&format!("{}/", folder.display()), ""))
}

fn read_all(folder: &Path, mapping: &str, file: &Path) -> Result<Records, String> {
    let mapping = Mapping::parse(mapping, &folder.join("mapping.yaml")).map_err(|error| error.to_string())?;
    let importer = Importer::new(mapping, VOCABULARY).map_err(|error| error.to_string())?;
    let (blocks, shape) = importer.open(file, None, None).map_err(|error| error.to_string())?;
    let (mut reader, mut batch, mut all) = (importer.reader(), Records::default(), Records::default());
    for block in blocks {
        let block = block.map_err(|error| error.to_string())?;
        let bad = reader.read(&block, &shape, None, 0, &mut batch).map_err(|error| error.to_string())?;
        if let Some(bad) = bad.first() {
            // Who reads a log knows its name.
            return Err(format!("{}: {bad}", file.display()));
        }
        append(&mut all, &batch);
    }
    Ok(all)
}

fn append(all: &mut Records, batch: &Records) {
    all.rows += batch.rows;
    (0..batch.rows).for_each(|row| {
        all.tokens.push(batch.tokens.get(row));
        all.hashtags.push(batch.hashtags.get(row));
        all.media.push(batch.media.get(row));
        all.links.push(batch.links.get(row));
        all.domains.push(batch.domains.get(row));
    });
    all.tweet.extend(&batch.tweet);
    all.tweet_type.extend(&batch.tweet_type);
    all.language.extend(&batch.language);
    all.tweet_time.extend(&batch.tweet_time);
    all.author_follows_reader.extend(&batch.author_follows_reader);
    for (to, from) in [(&mut all.author, &batch.author), (&mut all.reader, &batch.reader)] {
        to.id.extend(&from.id);
        to.followers.extend(&from.followers);
        to.following.extend(&from.following);
        to.verified.extend(&from.verified);
        to.created.extend(&from.created);
    }
    if let Some(reactions) = &batch.reactions {
        let to = all.reactions.get_or_insert_default();
        for reaction in skimlog_formats::Reaction::ALL {
            to[reaction].extend(&reactions[reaction]);
        }
    }
}
