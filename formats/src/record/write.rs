//! Records as text, exactly as they were read.

use super::{FIELD_SEPARATOR, LIST_SEPARATOR, Media, NO_REACTION, RecordBatch, Users};
use crate::{Id, Reaction};

/// Appends record `row` of `batch` to `text`, newline included: 24 fields, or 20 if the batch has no reactions.
///
/// Every column of the batch must be there.
///
/// ```
/// use skimlog_formats::record::{RecordBatch, RecordOptions, RecordScanner, write_record};
/// # let text: &[u8] = include_bytes!("../../fixtures/labelled");
/// // The first record of `text`, read and written again.
/// let mut batch = RecordBatch::default();
/// RecordScanner::new(text, RecordOptions::default()).read(&mut batch).unwrap().unwrap();
/// let mut line = Vec::new();
/// write_record(&batch, 0, &mut line);
/// assert!(text.starts_with(&line) && line.ends_with(b"\n"));
/// ```
pub fn write_record(batch: &RecordBatch, row: usize, text: &mut Vec<u8>) {
    let mut line = Line { text };
    line.list(batch.tokens.get(row), |line, &token| line.decimal(token));
    line.list(batch.hashtags.get(row), |line, &id| line.id(id));
    line.separated(|line| line.id(batch.tweet[row]));
    line.list(batch.media.get(row), |line, &media| line.word(Media::name(media)));
    line.list(batch.links.get(row), |line, &id| line.id(id));
    line.list(batch.domains.get(row), |line, &id| line.id(id));
    line.separated(|line| line.word(batch.tweet_type[row].name()));
    line.separated(|line| line.id(batch.language[row]));
    line.separated(|line| line.decimal(batch.tweet_time[row]));
    line.user(&batch.author, row);
    line.user(&batch.reader, row);
    line.flag(batch.author_follows_reader[row]);
    if let Some(times) = &batch.reactions {
        for reaction in Reaction::RECORD_ORDER {
            line.text.push(FIELD_SEPARATOR);
            match times[reaction][row] {
                NO_REACTION => {}
                time => line.decimal(time),
            }
        }
    }
    line.text.push(b'\n');
}

struct Line<'a> {
    text: &'a mut Vec<u8>,
}

impl Line<'_> {
    fn id(&mut self, id: Id) {
        self.text.extend_from_slice(&id.to_hex());
    }

    fn decimal(&mut self, number: impl itoa::Integer) {
        self.text.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    }

    fn word(&mut self, word: &str) {
        self.text.extend_from_slice(word.as_bytes());
    }

    /// A field followed by a separator; every field but the last few has one.
    fn separated(&mut self, field: impl FnOnce(&mut Self)) {
        field(self);
        self.text.push(FIELD_SEPARATOR);
    }

    fn list<T>(&mut self, items: &[T], mut item: impl FnMut(&mut Self, &T)) {
        self.separated(|line| {
            for (index, value) in items.iter().enumerate() {
                if index > 0 {
                    line.text.push(LIST_SEPARATOR);
                }
                item(line, value);
            }
        });
    }

    fn user(&mut self, users: &Users, row: usize) {
        self.separated(|line| line.id(users.id[row]));
        self.separated(|line| line.decimal(users.followers[row]));
        self.separated(|line| line.decimal(users.following[row]));
        self.separated(|line| line.flag(users.verified[row]));
        self.separated(|line| line.decimal(users.created[row]));
    }

    fn flag(&mut self, flag: bool) {
        self.word(if flag { "true" } else { "false" });
    }
}
