//! A raw part as batches, for text that is known to be sound.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use skimmer_formats::part::BLOCK_ROWS;
use skimmer_formats::record::{FIELD_SEPARATOR, LIST_SEPARATOR, Media, RecordBatch, TweetType, Users};
use skimmer_formats::{Id, PerReaction, Reaction};

pub(super) fn read(path: &Path, rows: usize) -> Result<Vec<RecordBatch>> {
    let text = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut batches: Vec<RecordBatch> = Vec::new();
    for (number, line) in text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).take(rows).enumerate() {
        let fields: Vec<&[u8]> = line.split(|&byte| byte == FIELD_SEPARATOR).collect();
        ensure!(fields.len() == 24 || fields.len() == 20, "line {}: {} fields", number + 1, fields.len());
        if batches.last().is_none_or(|batch| batch.rows == BLOCK_ROWS) {
            batches.push(RecordBatch {
                reactions: (fields.len() == 24).then(PerReaction::default),
                ..RecordBatch::default()
            });
        }
        let batch = batches.last_mut().context("there is a batch")?;
        push(batch, &fields).with_context(|| format!("line {}", number + 1))?;
    }
    Ok(batches)
}

fn push(batch: &mut RecordBatch, fields: &[&[u8]]) -> Result<()> {
    let number = |field: &[u8]| -> Result<u32> { Ok(std::str::from_utf8(field)?.parse()?) };
    let items =
        |field: &'static usize| fields[*field].split(|&byte| byte == LIST_SEPARATOR).filter(|item| !item.is_empty());
    batch.rows += 1;
    for token in items(&0) {
        batch.tokens.push_value(number(token)?);
    }
    batch.tokens.close();
    for (field, lists) in [(&1, &mut batch.hashtags), (&4, &mut batch.links), (&5, &mut batch.domains)] {
        for item in items(field) {
            lists.push_value(Id::parse(item)?);
        }
        lists.close();
    }
    batch.tweet.push(Id::parse(fields[2])?);
    for name in items(&3) {
        let media = Media::ALL.into_iter().find(|media| media.name().as_bytes() == name);
        batch.media.push_value(media.context("unknown media")?);
    }
    batch.media.close();
    let tweet_type = TweetType::ALL.into_iter().find(|tweet_type| tweet_type.name().as_bytes() == fields[6]);
    batch.tweet_type.push(tweet_type.context("unknown tweet type")?);
    batch.language.push(Id::parse(fields[7])?);
    batch.tweet_time.push(number(fields[8])?);
    let user = |users: &mut Users, fields: &[&[u8]]| -> Result<()> {
        users.id.push(Id::parse(fields[0])?);
        users.followers.push(number(fields[1])?);
        users.following.push(number(fields[2])?);
        users.verified.push(fields[3] == b"true");
        users.created.push(number(fields[4])?);
        Ok(())
    };
    user(&mut batch.author, &fields[9..14])?;
    user(&mut batch.reader, &fields[14..19])?;
    batch.author_follows_reader.push(fields[19] == b"true");
    if let Some(times) = &mut batch.reactions {
        for (reaction, field) in Reaction::RECORD_ORDER.into_iter().zip(&fields[20..]) {
            times[reaction].push(if field.is_empty() { 0 } else { number(field)? });
        }
    }
    Ok(())
}
